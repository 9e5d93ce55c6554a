import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { product } from "../messages";

const useStyles = makeStyles({
  brand: {
    display: "inline-flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase400,
    fontWeight: tokens.fontWeightSemibold,
    letterSpacing: "-0.01em",
    color: tokens.colorNeutralForeground1,
  },
  mark: { width: "28px", height: "28px", flexShrink: 0 },
  swing: {
    transformOrigin: "13.5px 20px",
    animationDuration: "4.8s",
    animationIterationCount: "infinite",
    animationTimingFunction: "ease-in-out",
    animationName: {
      "0%, 55%, 100%": { transform: "skewY(0deg) scaleX(1)" },
      "75%": { transform: "skewY(-5deg) scaleX(0.72)" },
    },
    "@media (prefers-reduced-motion: reduce)": { animationName: "none" },
  },
});

/** The mark and the name. */
export function Brand() {
  const styles = useStyles();
  return (
    <span className={styles.brand}>
      <DoorMark className={styles.mark} />
      {product}
    </span>
  );
}

/** An arch with its door ajar; `waiting` lets the door swing gently. */
export function DoorMark({ className, waiting = false }: { className?: string; waiting?: boolean }) {
  const styles = useStyles();
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <rect width="32" height="32" rx="8" fill="#0f6a6a" />
      <path
        d="M9 26V13.5a7 7 0 0 1 14 0V26"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <g className={mergeClasses(waiting && styles.swing)}>
        <path d="M13.5 26V14.5L20 11.6V26Z" fill="#ffc470" />
        <circle cx="15.6" cy="19.6" r="1" fill="#0f6a6a" />
      </g>
    </svg>
  );
}
