"""The page's looks. Colours keep their order of lightness, so that they read in grey and to the colour-blind; paper is
always light. Blue and vermilion: Okabe & Ito 2008, "Color Universal Design"."""

_LIGHT = (
    "--ink:#1b1f24;--faint:#57606a;--line:#d0d7de;--page:#fff;--card:#f6f8fa;--now:#0072b2;--usual:#c3cad2;"
    "--loud:#b03a00;--calm:#0b6e4f;--s0:#eef1f4;--s1:#c6dbef;--s2:#7fb3d9;--s3:#2f7fbc;--s4:#08306b;"
    "--up:#d6e8f5;--up2:#8fc1e3;--down:#fbe3cf;--down2:#f2b27a"
)
_DARK = (
    "--ink:#e6edf3;--faint:#9aa5b1;--line:#3a424c;--page:#0f1419;--card:#181f27;--now:#56b4e9;--usual:#4a5560;"
    "--loud:#ff9a5c;--calm:#5fd3a6;--s0:#20272f;--s1:#1f4666;--s2:#2f72a3;--s3:#5fa8d8;--s4:#d3ecff;"
    "--up:#173a55;--up2:#1f5f8f;--down:#4a2d17;--down2:#86491a"
)
STYLE = (
    f":root{{color-scheme:light;{_LIGHT}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{_DARK}}}}}"
    """
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem;color:var(--ink);
background:var(--page)}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.25rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0}
ul{margin:.4rem 0;padding-left:1.2rem}
li,h1,p,figcaption,.ranking th{overflow-wrap:anywhere}
small{display:block;font-size:.85em;font-weight:400;line-height:1.4}
.faint,small{color:var(--faint)}
.loud{color:var(--loud)}
.state{white-space:nowrap}
nav{font-size:.9rem}
nav a{color:var(--now);margin-right:.9rem;display:inline-block}
.banner{border-left:.5rem solid var(--faint);background:var(--card);padding:.6rem 1rem;border-radius:.3rem}
.banner.alarm{border-color:var(--loud)}
.banner.calm{border-color:var(--calm)}
.verdict{font-size:1.2rem;line-height:1.35}
.wide{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.2rem 0}
td,th{border-bottom:1px solid var(--line);padding:.35rem .5rem .35rem 0;text-align:left;vertical-align:top;
font-weight:400}
thead th{color:var(--faint);font-size:.85rem}
.ranking tbody th{width:66%}
.ranking td{min-width:5rem;white-space:nowrap}
.bar{display:block;height:.5rem;margin:.45rem 0 .1rem;min-width:2px;background:var(--usual);border-radius:1px}
.loud-bar{background:var(--loud)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(18rem,100%),1fr));gap:1.2rem}
figure{margin:0}
figure.single{max-width:28rem;margin:1rem 0}
figure .faint{font-size:.85rem;margin:.1rem 0}
svg{display:block;width:100%;height:auto;overflow:visible;font:11px system-ui,sans-serif;fill:var(--ink)}
svg text{fill:var(--faint)}
svg .small{font-size:10px}
.usual{fill:var(--usual)}
.now{fill:none;stroke:var(--now);stroke-width:2}
.now-bar{fill:var(--now)}
.axis{stroke:var(--line);fill:none}
.usual-line{fill:none;stroke:var(--faint);stroke-width:2;stroke-dasharray:5 3}
.key{display:inline-block;width:.9em;height:.9em;vertical-align:-.1em;border-radius:2px}
.usual-key{background:var(--usual)}
.dashed-key{height:0;border-top:2px dashed var(--faint);vertical-align:middle;border-radius:0}
.now-key{border:2px solid var(--now)}
.legend>span{display:inline-block;margin-right:1rem}
.heat tbody th{width:24%}
.heat td:nth-child(2){width:56%}
.heat td,.heat th{vertical-align:middle;padding-top:.15rem;padding-bottom:.15rem}
svg.strip{height:1.4rem}
svg.cover{height:2.5rem;background:var(--s0)}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}
.s0-key{background:var(--s0)}.s1-key{background:var(--s1)}.s2-key{background:var(--s2)}
.s3-key{background:var(--s3)}.s4-key{background:var(--s4)}
.unusual{fill:var(--loud)}
.unusual-key{background:var(--loud);height:.3em;vertical-align:middle}
.empty{fill:none;stroke:var(--line);stroke-dasharray:2}
.empty-key{border:1px dashed var(--faint)}
.residuals td,.residuals thead th+th{text-align:right;padding-right:.15rem;font-size:.8rem;white-space:nowrap}
.residuals span{display:block;padding:.1rem .2rem;border-radius:2px}
.residuals tbody th{min-width:5rem}
.legend-key{padding:0 .3em;border-radius:2px}
.up{background:var(--up);color:var(--ink)}
.up.strong{background:var(--up2);font-weight:600}
.down{background:var(--down);color:var(--ink)}
.down.strong{background:var(--down2);font-weight:600}
footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.6rem;font-size:.85rem}
@media print{
body{max-width:none;font-size:10pt;padding:0;-webkit-print-color-adjust:exact;print-color-adjust:exact}
nav{display:none}
figure,tr,.banner{break-inside:avoid}
h2,caption{break-after:avoid}
.grid{display:block}
.grid figure{display:inline-block;vertical-align:top;width:47%;margin:0 2% 1rem 0}
.wide{overflow:visible}
}
"""
)
