"""What every room stands on: settings, database, command batches, outbox, access and telemetry.

The platform knows nothing of lending. Entry points build its parts once and hand them on.
"""
