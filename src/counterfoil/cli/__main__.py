"""`python -m counterfoil.cli`: the command `counterfoil` where no script is installed."""

from counterfoil.cli.main import app

app()
