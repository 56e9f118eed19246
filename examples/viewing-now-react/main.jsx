// A documentation page with "viewing now" in React.
//
//     npm install && npm run build && headcount --www dist

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

import { useRoom } from "./useRoom.js";

const PAGES = ["Getting started", "Reference"];
const ANIMALS = ["Badger", "Crane", "Dormouse", "Fox", "Heron", "Lynx", "Otter", "Raven"];
const random = (below) => Math.floor(Math.random() * below);

// An app with accounts has names and pictures. Here each tab is an animal of some colour.
const me = {
  name: (sessionStorage.name ??= `${ANIMALS[random(ANIMALS.length)]} ${random(1000)}`),
  hue: Number((sessionStorage.hue ??= random(360))),
};

function ViewingNow({ page }) {
  const room = useRoom(`docs/${page}`, me.name, { hue: me.hue });
  if (room?.state !== "open") return <p role="status">Connecting…</p>;
  return (
    <ul aria-label="Viewing now" translate="no">
      {room.names.map((name) => {
        const status = room.statusOf(name);
        const title = status === "active" ? name : `${name} (${status})`;
        // Data come from strangers: only a number is used as one.
        const background = `hsl(${Number(room.dataOf(name).hue)} 55% 38%)`;
        return (
          <li key={name} className={status} title={title} style={{ background }}>
            {[...name][0]}
          </li>
        );
      })}
    </ul>
  );
}

function App() {
  const [page, setPage] = useState(PAGES[0]);
  return (
    <>
      <nav>
        {PAGES.map((name) => (
          <button key={name} onClick={() => setPage(name)} disabled={name === page}>
            {name}
          </button>
        ))}
      </nav>
      <h1>{page}</h1>
      <ViewingNow page={page} />
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
