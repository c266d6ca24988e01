// Elements and words. Whatever comes from a study is set as text, never as HTML.

/** An element. `properties` are properties of it, or attributes where the name holds a hyphen or is `role`. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  fill(made, properties, (name) => name.includes("-") || name === "role");
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An element of a drawing; `properties` are attributes. */
export function svg(tag, properties = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(made, properties, () => true);
  made.append(...children);
  return made;
}

function fill(made, properties, isAttribute) {
  for (const [name, value] of Object.entries(properties)) {
    if (isAttribute(name)) made.setAttribute(name, value);
    else made[name] = value;
  }
}

/** A text with its {places} filled. */
export function fillText(text, places) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in places ? String(places[name]) : whole));
}

/** The paragraphs of a text, which blank lines part. */
export function paragraphs(text) {
  return text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) => el("p", {}, part.trim()));
}

/** The HTML of elements, for plugins that take HTML: what was text in them is escaped. */
export function asHtml(...elements) {
  return elements.map((one) => one.outerHTML).join("");
}

/** Have a screen reader say it. */
export function speak(text) {
  document.getElementById("spoken").textContent = text;
}

export function isRightToLeft() {
  return document.documentElement.dir === "rtl";
}
