// Renews the page in place: asks for it again and changes only what differs, so that scroll position, focus, open
// details and a reader's place stay. Without this script the browser loads the page anew (see the <noscript>).
"use strict";
(() => {
  const root = document.documentElement;
  const every = Number(root.dataset.refresh) * 1000;
  const patience = 10_000;
  const stale = document.getElementById("stale");
  const pause = document.getElementById("pause");
  let seen = new Date();
  let paused = false;
  let busy = false;

  // What the reader has set is not the server's to change.
  const readers = (element, name) => element.localName === "details" && name === "open";
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

  function morph(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !readers(old, name)) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value && !readers(old, name)) old.setAttribute(name, value);
    }
    morphChildren(old, fresh);
  }

  function morphChildren(old, fresh) {
    const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    const wanted = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
    let at = old.firstChild;
    for (const want of [...fresh.childNodes]) {
      // What is named and not wanted any more stands in nobody's way.
      while (at && at.id && !wanted.has(at.id)) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
      const named = want.id && known.get(want.id);
      if (named && named.nodeName === want.nodeName) {
        if (named === at) at = at.nextSibling;
        else old.insertBefore(named, at);
        morph(named, want);
      } else if (at && !at.id && same(at, want)) {
        const next = at.nextSibling;
        morph(at, want);
        at = next;
      } else {
        old.insertBefore(document.importNode(want, true), at);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function show(fresh) {
    if (fresh.documentElement.dataset.version !== root.dataset.version) {
      location.reload();
      return;
    }
    const focused = document.activeElement;
    const { scrollX, scrollY } = window;
    document.title = fresh.title;
    for (const id of ["head", "main"]) morph(document.getElementById(id), fresh.getElementById(id));
    if (focused && focused !== document.body && focused !== document.activeElement) {
      const again = focused.isConnected ? focused : focused.id && document.getElementById(focused.id);
      if (again) again.focus({ preventScroll: true });
    }
    if (window.scrollY !== scrollY) window.scrollTo(scrollX, scrollY);
  }

  function tell(why) {
    const since = seen.toISOString().slice(11, 19);
    stale.textContent = why ? `tierwatch does not answer (${why}). What stands here is from ${since} UTC.` : "";
    root.classList.toggle("is-stale", Boolean(why));
  }

  async function renew() {
    if (busy || paused || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(patience) });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!fresh.getElementById("head") || !fresh.getElementById("main")) throw new Error(`status ${answer.status}`);
      show(fresh);
      seen = new Date();
      tell("");
    } catch (error) {
      tell(error.name === "TimeoutError" ? "in time" : error.message);
    } finally {
      busy = false;
    }
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Renew again" : "Pause renewing";
    if (!paused) renew();
  });
  // A page that was in the background is old the moment it is looked at.
  document.addEventListener("visibilitychange", renew);
  setInterval(renew, every);
})();
