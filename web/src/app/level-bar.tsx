import { makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef } from "react";
import { LevelMeter } from "../media/level-meter";
import { devices } from "../messages";

const useStyles = makeStyles({
  track: {
    height: "6px",
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: tokens.colorNeutralBackground5,
    overflow: "hidden",
  },
  level: {
    height: "100%",
    width: "100%",
    transform: "scaleX(0)",
    transformOrigin: "left",
    borderRadius: "inherit",
    backgroundImage: `linear-gradient(90deg, ${tokens.colorBrandBackground}, #ffc470)`,
  },
});

/** How loud the microphone is. It moves outside React: sixty renders a second would be waste. */
export function LevelBar({ track }: { track: MediaStreamTrack | null }) {
  const styles = useStyles();
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!track) {
      return;
    }
    const meter = new LevelMeter(track);
    let frame = 0;
    const draw = () => {
      const level = track.enabled ? meter.read() : 0;
      if (bar.current) {
        bar.current.style.transform = `scaleX(${level.toFixed(3)})`;
      }
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => {
      cancelAnimationFrame(frame);
      meter.close();
    };
  }, [track]);
  return (
    <div className={styles.track} role="img" aria-label={devices.level}>
      <div ref={bar} className={styles.level} />
    </div>
  );
}
