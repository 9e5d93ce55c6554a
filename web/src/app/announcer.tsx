import { makeStyles } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import { meeting as meetingWords, people, recording } from "../messages";
import { EMPTY_ROSTER, type Roster } from "../signalling/roster";
import type { MeetingModel } from "../state/meeting";
import { newsBetween, recordingStopped } from "../state/news";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  hidden: {
    position: "absolute",
    width: "1px",
    height: "1px",
    overflow: "hidden",
    clipPath: "inset(50%)",
    whiteSpace: "nowrap",
  },
});

/** Says in words what the eye sees happen: for screen readers, without a sound. */
export function Announcer({ model }: { model: MeetingModel }) {
  const styles = useStyles();
  const { roster } = useStore(model.state);
  const { microphoneOn } = useStore(model.devices.state);
  const [text, setText] = useState("");
  const before = useRef<Roster>(EMPTY_ROSTER);
  const wasOn = useRef(microphoneOn);
  useEffect(() => {
    const news = newsBetween(before.current, roster, model.identity.uri);
    const stopped = recordingStopped(before.current, roster);
    before.current = roster;
    const sentences = [
      ...news.knocked.map(people.knocked),
      ...news.joined.map(people.joined),
      ...news.left.map(people.left),
      ...(stopped ? [recording.stopped] : []),
    ];
    if (sentences.length > 0) {
      setText(sentences.join(". "));
    }
  }, [roster, model]);
  useEffect(() => {
    if (wasOn.current !== microphoneOn) {
      wasOn.current = microphoneOn;
      setText(microphoneOn ? meetingWords.unmutedNow : meetingWords.mutedNow);
    }
  }, [microphoneOn]);
  return (
    <div role="status" aria-live="polite" className={styles.hidden}>
      {text}
    </div>
  );
}
