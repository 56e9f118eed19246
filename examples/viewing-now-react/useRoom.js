// A hook: who is in a room, live. One connection serves the whole app.

import { connect } from "headcount";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

// Made once, outside of all components. The room of the address is of no interest here.
const connection = connect("/ws", { view: "none", autoStatus: true, idleAfter: 5 * 60_000 });

/**
 * Enters a room while the component is mounted, as `name` with `data`. A room is the same object
 * for all who enter it, so only one component may use it at a time; let it pass the room on.
 */
export function useRoom(roomName, name, data) {
  const [room, setRoom] = useState(null);

  // StrictMode mounts twice: what was entered first is left again, and is another object.
  useEffect(() => {
    const entered = connection.enter(roomName);
    setRoom(entered);
    return () => entered.exit();
  }, [roomName]);

  const profile = JSON.stringify(data); // by its content: the object is another in each rendering
  useEffect(() => {
    room?.login(name, { data: JSON.parse(profile) });
  }, [room, name, profile]);

  const subscribe = useCallback(
    (notify) => {
      const ends = ["state", "roster", "change"].map((event) => room?.on(event, notify));
      return () => ends.forEach((end) => end?.());
    },
    [room],
  );
  // Whatever is told of a room has a number.
  useSyncExternalStore(subscribe, () => room && `${room.state} ${room.epoch} ${room.seq}`);
  return room;
}
