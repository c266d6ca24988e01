// The calls to the server of the study.

const session = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
let token = decodeURIComponent((location.pathname.match(/^\/p\/([^/]+)/) || ["", ""])[1]);

/** Why a call failed: unknown, other-tab, reload, bad, or lost where there was no answer. */
export class CallError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** The words of the page, in the study's language. */
export async function readWords() {
  return (await fetch("/words.json")).json();
}

/** Enter the study, `begin` after consent. From then on the page's address is the participant's own. */
export async function enter(begin) {
  const told = await call("enter", { parameters: Object.fromEntries(new URLSearchParams(location.search)), begin });
  if (told.token && told.token !== token) {
    token = told.token;
    history.replaceState(null, "", `/p/${encodeURIComponent(token)}`);
  }
  return told;
}

export function sendAnswer(trial, answers, times, touch) {
  return call("answer", { trial, answers, rt_ms: times, screen: { ...screenSize(), touch } });
}

export function finish() {
  return call("finish", {});
}

export function withdraw() {
  return call("withdraw", {});
}

function screenSize() {
  return {
    screen_width: Math.round(screen.width),
    screen_height: Math.round(screen.height),
    window_width: Math.round(innerWidth),
    window_height: Math.round(innerHeight),
    pixel_ratio: devicePixelRatio,
  };
}

async function call(name, content) {
  let response;
  try {
    response = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, session, ...content }),
    });
  } catch {
    throw new CallError("lost");
  }
  if (response.ok) return response.json();
  const told = await response.json().catch(() => ({}));
  throw new CallError(told.reason || (response.status >= 500 ? "lost" : "bad"));
}
