"use strict";
const root = document.documentElement, slides = [...document.querySelectorAll(".slide")];
let now = 0, speaker = null, began = null;

function show(place) {
  now = Math.max(0, Math.min(slides.length - 1, place));
  slides.forEach((slide, i) => slide.classList.toggle("now", i === now));
  document.getElementById("bar").style.width = `${100 * (now + 1) / slides.length}%`;
  history.replaceState(null, "", `#${slides[now].id}`);
  window.scrollTo(0, 0);
  tell();
}

// The speaker's clock runs from T, or else from the first key or tap that moves: N, F, P and R only prepare.
function start() { if (began === null) began = Date.now(); }

function clock(seconds) { return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`; }

function open_speaker() {
  if (speaker && !speaker.closed) return speaker.focus();
  speaker = window.open("", "catwalk-speaker", "width=980,height=720");
  if (!speaker) return;
  speaker.document.title = "Speaker";
  speaker.document.body.innerHTML = `<style>body{margin:0;padding:36px;background:#15171C;color:#FAF8F3;font:30px/1.4 sans-serif}
    #top{display:flex;justify-content:space-between;align-items:baseline;color:#B5BAC6}#time{font-size:64px;font-weight:700;color:#FAF8F3}
    #track{position:relative;height:10px;background:#3A3E48;margin:20px 0}#gone{height:10px;background:#56B4E9;width:0}
    #due{position:absolute;top:-6px;width:3px;height:22px;background:#FAF8F3}h1{font-size:30px;margin:20px 0 10px}
    #next{border-top:1px solid #545966;margin-top:28px;padding-top:16px;font-size:24px;color:#B5BAC6}</style>
    <div id="top"><span id="time"></span><span id="left"></span><span id="place"></span></div>
    <div id="track"><div id="gone"></div><div id="due"></div></div><h1></h1><div id="say"></div><div id="next"></div>`;
  speaker.addEventListener("keydown", key);
  tell();
}

function tell() {
  if (!speaker || speaker.closed) return;
  const page = speaker.document, seconds = slides.map(slide => Number(slide.dataset.seconds));
  const all = seconds.reduce((a, b) => a + b), due = seconds.slice(0, now + 1).reduce((a, b) => a + b);
  const gone = began === null ? 0 : (Date.now() - began) / 1000;
  page.getElementById("time").textContent = `${clock(gone)} / ${clock(all)}`;
  const left = Math.round(due - gone);
  page.getElementById("left").textContent = left < 0 ? `${-left} s over` : `${left} s left here`;
  page.getElementById("place").textContent = `${now + 1} / ${slides.length} · ${seconds[now]} s · T ${began === null ? "starts" : "restarts"} the clock`;
  page.getElementById("gone").style.width = `${Math.min(100, 100 * gone / all)}%`;
  page.getElementById("due").style.left = `${100 * due / all}%`;
  page.querySelector("h1").textContent = slides[now].querySelector("h2").textContent;
  page.getElementById("say").textContent = slides[now].querySelector("aside").textContent;
  const next = slides[now + 1];
  page.getElementById("next").textContent = next ? `Next: ${next.querySelector("h2").textContent}` : "The last slide";
}

const moves = {
  ArrowRight: () => show(now + 1), ArrowDown: () => show(now + 1), PageDown: () => show(now + 1), " ": () => show(now + 1),
  Enter: () => show(now + 1),
  ArrowLeft: () => show(now - 1), ArrowUp: () => show(now - 1), PageUp: () => show(now - 1), Backspace: () => show(now - 1),
  Home: () => show(0), End: () => show(slides.length - 1),
};
const others = {
  n: open_speaker, r: () => root.classList.toggle("notes"), p: () => window.print(),
  t: () => { began = Date.now(); tell(); },
  f: () => { document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(); },
};

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const move = moves[event.key], act = move || others[event.key.toLowerCase()];
  if (move) start();
  if (act) { event.preventDefault(); act(); }
}

if (location.hash === "#notes") {
  root.classList.add("spoken");
} else {
  root.classList.add("deck");
  document.addEventListener("keydown", key);
  let from = null;
  document.addEventListener("touchstart", event => { from = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
  document.addEventListener("touchend", event => {
    const figure = event.target.closest(".scroll");
    if (figure && figure.scrollWidth > figure.clientWidth) return;
    if (!from || window.visualViewport?.scale > 1.01) return;  // two fingers zoom, one moves what is enlarged
    const to = event.changedTouches[0], across = to.clientX - from.clientX, along = to.clientY - from.clientY;
    if (Math.abs(across) > 50 && Math.abs(across) > 2 * Math.abs(along)) { start(); show(now + (across < 0 ? 1 : -1)); }
  });
  document.addEventListener("click", event => { if (getSelection().toString()) return; start(); show(now + (event.clientX < innerWidth / 4 ? -1 : 1)); });
  window.addEventListener("hashchange", () => { const i = slides.findIndex(s => `#${s.id}` === location.hash); if (i >= 0 && i !== now) show(i); });
  setInterval(tell, 250);
  show(Math.max(0, slides.findIndex(slide => `#${slide.id}` === location.hash)));
}
