// Drawings for scales: a small figure in greys, drawn for this page. `share` goes from 0 (lowest) to 1 (highest).

import { svg } from "./dom.js";

/** A figure of a scale: valence, arousal or dominance. */
export function figure(scale, share) {
  const made = svg("svg", { viewBox: "0 0 40 40", "aria-hidden": "true", class: "figure" });
  made.append(...{ valence: face, arousal: spark, dominance: stature }[scale](share));
  return made;
}

const LINE = { fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round" };
const SKIN = { fill: "var(--figure)", stroke: "currentColor", "stroke-width": 1.8 };

/** A face whose mouth and brows turn up. */
function face(share) {
  const bend = (share - 0.5) * 14;
  const tilt = (share - 0.5) * 3;
  return [
    svg("circle", { cx: 20, cy: 20, r: 16, ...SKIN }),
    svg("circle", { cx: 14, cy: 17, r: 1.7, fill: "currentColor" }),
    svg("circle", { cx: 26, cy: 17, r: 1.7, fill: "currentColor" }),
    svg("path", { d: `M11 ${12 + tilt} L16.5 ${12 - tilt} M29 ${12 + tilt} L23.5 ${12 - tilt}`, ...LINE }),
    svg("path", { d: `M12 ${27 - bend / 3} Q20 ${27 + bend * 0.7} 28 ${27 - bend / 3}`, ...LINE }),
  ];
}

/** A body at rest with closed eyes, and one that is all rays. */
function spark(share) {
  const rays = Math.round(4 + share * 8);
  const length = 1 + share * 6.5;
  const path = Array.from({ length: rays }, (_, i) => {
    const [x, y] = [Math.cos((i / rays) * 2 * Math.PI), Math.sin((i / rays) * 2 * Math.PI)];
    const [from, to] = [11.5, 11.5 + length];
    return `M${20 + x * from} ${20 + y * from} L${20 + x * to} ${20 + y * to}`;
  }).join(" ");
  const eye = (x) =>
    share < 0.2
      ? svg("path", { d: `M${x - 2} 18.5 Q${x} 20.5 ${x + 2} 18.5`, ...LINE })
      : svg("circle", { cx: x, cy: 18.5, r: 0.9 + share * 1.5, fill: "currentColor" });
  const mouth =
    share < 0.6
      ? svg("path", { d: "M17.5 24.5 L22.5 24.5", ...LINE })
      : svg("ellipse", { cx: 20, cy: 25, rx: 1.6 + share, ry: share * 2.6, ...LINE });
  const body = [svg("circle", { cx: 20, cy: 20, r: 9.5, ...SKIN }), eye(16.5), eye(23.5), mouth];
  return share > 0.05 ? [svg("path", { d: path, ...LINE }), ...body] : body;
}

/** A figure that grows until it fills its frame. */
function stature(share) {
  const size = 0.35 + share * 0.65;
  const parts = svg(
    "g",
    { transform: `translate(20 37) scale(${size})` },
    svg("path", { d: "M-11 0 Q-11 -17 0 -17 Q11 -17 11 0 Z", ...SKIN, "stroke-width": 1.8 / size }),
    svg("circle", { cx: 0, cy: -24, r: 8, ...SKIN, "stroke-width": 1.8 / size }),
  );
  return [svg("rect", { x: 2, y: 2, width: 36, height: 36, rx: 3, ...LINE, "stroke-opacity": 0.35 }), parts];
}
