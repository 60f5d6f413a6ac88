"""The styles of a validation page: one sheet within the page, light and dark."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
--page: #f4f5f7; --card: #fff; --ink: #18202b; --soft: #5b6575; --line: #e3e7ed; --well:
  #f1f3f6;
--brand: #1d56b5; --good: #0b7a5b; --bad: #b23a2e; --warn: #8a5a00;
--good-tint: #e2f3ec; --bad-tint: #fbe8e5; --warn-tint: #fcf0d8; --s0: #1d56b5; --s1: #b26a00;
  --s2: #7a8698; }
@media (prefers-color-scheme: dark) { :root {
--page: #0f1319; --card: #171d26; --ink: #e7ebf1; --soft: #98a4b5; --line: #29313d; --well:
  #1e2530;
--brand: #86b3ff; --good: #55c49a; --bad: #f0857a; --warn: #e9b65c;
--good-tint: #143227; --bad-tint: #3a1d1a; --warn-tint: #352a10; --s0: #86b3ff; --s1: #e2a54f;
  --s2: #7d899b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui,
  "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif; }
main, header, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.6rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .15rem 0 .35rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 3rem 0 .9rem; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0; }
.soft, .note { color: var(--soft); }
.note { font-size: .9rem; }
.over { color: var(--soft); font-size: .9rem; letter-spacing: .02em; }
code { font: .88em ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.pill { display: inline-block; border-radius: 99px; padding: .12rem .7rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; }
.pill.green { color: var(--good); background: var(--good-tint); }
.pill.amber { color: var(--warn); background: var(--warn-tint); }
.pill.red { color: var(--bad); background: var(--bad-tint); }
.verdict { display: flex; flex-wrap: wrap; gap: .4rem .8rem; align-items: center; margin-top:
  .7rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 1px;
  background: var(--line);
border: 1px solid var(--line); border-radius: 12px; overflow: hidden; margin-top: 1.6rem; }
.tile { background: var(--card); padding: .9rem 1.1rem 1rem; }
.tile dt { color: var(--soft); font-size: .88rem; }
.tile dd { margin: 0; font-size: 1.55rem; font-weight: 600; font-variant-numeric: tabular-nums;
  line-height: 1.35; }
.tile small { display: block; color: var(--soft); font-size: .82rem; font-weight: 400; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding:
  1.15rem 1.3rem; min-width: 0; }
.card > h3 + .note { margin: .1rem 0 .6rem; }
.card + .card, .pair + .card, .card + .pair, .pair + .pair { margin-top: 1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr));
  gap: 1rem; }
.pair > .card { margin: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr));
  gap: 1rem 1.8rem; margin: 0; }
.facts dt { color: var(--soft); font-size: .86rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.facts .wide { grid-column: 1 / -1; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size:
  .93rem; }
th, td { text-align: start; padding: .42rem .7rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: baseline; }
th:first-child, td:first-child { padding-inline-start: 0; }
thead th { color: var(--soft); font-weight: 400; font-size: .86rem; white-space: normal; }
tbody th { font-weight: 500; }
tbody tr:last-child > * { border-bottom: 0; }
.num { text-align: end; }
td.wrap { white-space: normal; min-width: 12rem; }
.is-bad { color: var(--bad); font-weight: 600; }
.is-warn { color: var(--warn); font-weight: 600; }
.meter { display: inline-block; width: 5.5rem; height: .5rem; border-radius: 3px; background:
  var(--well); vertical-align: middle; margin-inline-end: .6rem; }
.meter i { display: block; height: 100%; border-radius: 3px; background: var(--s0); }
.swap { display: grid; grid-template-columns: auto minmax(0, 1fr) minmax(0, 1fr); gap: .5rem;
  margin-top: .8rem; }
.swap .side { color: var(--soft); font-size: .88rem; align-self: center; }
.swap .top { color: var(--soft); font-size: .88rem; }
.swap .cell { border-radius: 8px; padding: .9rem 1.1rem; background: var(--well); }
.swap .cell b { display: block; font-size: 1.2rem; }
.swap .cell.in { background: var(--good-tint); }
.swap .cell.out { background: var(--bad-tint); }
@media (max-width: 34rem) { main, header, footer { padding-inline: 1rem; } .swap {
  grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } .swap > .side { grid-column: 1 / -1; }
  .swap > :first-child { display: none; } .swap .cell { padding: .7rem .8rem; } .tiles {
  grid-template-columns: 1fr 1fr; } }
.pictures { margin-top: 1rem; }
.swap + .note { margin-top: .8rem; }
h2 + .note { margin-bottom: .7rem; }
.feature-head { display: flex; flex-wrap: wrap; gap: .2rem .9rem; align-items: baseline; }
.feature-head .note { margin-inline-start: auto; }
footer { color: var(--soft); font-size: .88rem; padding-block: 2.5rem; overflow-wrap: anywhere; }
.chart { display: block; width: 100%; height: auto; margin-top: .3rem; }
.pair > .card:only-child .chart { max-width: 40rem; }
.chart text { font-size: 12px; fill: var(--soft); }
.chart .end { text-anchor: end; }
.chart .mid { text-anchor: middle; }
.chart .name { fill: var(--ink); }
.chart .mark { fill: var(--ink); font-weight: 600; }
.chart .grid { stroke: var(--line); fill: none; }
.chart .zero { stroke: var(--s2); fill: none; }
.chart .diagonal { stroke: var(--s2); stroke-dasharray: 3 4; fill: none; }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.chart .line.s0 { stroke: var(--s0); }
.chart .line.s1 { stroke: var(--s1); }
.chart .line.s2 { stroke: var(--s2); }
.chart .line.good { stroke: var(--good); }
.chart .line.bad { stroke: var(--bad); }
.chart circle { fill: var(--card); stroke-width: 2; }
.chart circle.s0 { stroke: var(--s0); }
.chart circle.s1 { stroke: var(--s1); }
.chart circle.s2 { stroke: var(--s2); }
.chart .gap { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 3; }
.chart .limit { stroke-dasharray: 5 4; fill: none; }
.chart .limit.amber { stroke: var(--warn); }
.chart .limit.red { stroke: var(--bad); }
.chart .area { fill-opacity: .28; stroke-width: 1.5; }
.chart .area.good { fill: var(--good); stroke: var(--good); }
.chart .area.bad { fill: var(--bad); stroke: var(--bad); }
.chart .actual { fill: var(--s0); }
.chart .predicted { stroke: var(--s1); stroke-width: 3; fill: var(--s1); }
.chart .bar.good { fill: var(--good); }
.chart .bar.bad { fill: var(--bad); }
.chart .cases { fill: var(--s2); opacity: .55; }
.chart .key.s0, .chart .key.actual { fill: var(--s0); }
.chart .key.s1, .chart .key.predicted { fill: var(--s1); stroke: none; }
.chart .key.s2 { fill: var(--s2); }
.chart .key.good { fill: var(--good); }
.chart .key.bad { fill: var(--bad); }
@media print { body { background: #fff; } .card, .tiles { break-inside: avoid; } }
"""
