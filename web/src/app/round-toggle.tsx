import { Button, makeStyles, mergeClasses, Tooltip } from "@fluentui/react-components";
import type { ReactElement } from "react";

const useStyles = makeStyles({
  button: {
    minWidth: "48px",
    width: "48px",
    height: "48px",
    fontSize: "22px",
    color: "#fff",
    border: "none",
    backgroundColor: "rgba(255, 255, 255, 0.16)",
    backdropFilter: "blur(8px)",
    ":hover": { backgroundColor: "rgba(255, 255, 255, 0.28)", color: "#fff" },
    ":hover:active": { backgroundColor: "rgba(255, 255, 255, 0.2)", color: "#fff" },
  },
  off: {
    backgroundColor: "#b3372f",
    ":hover": { backgroundColor: "#c64a41", color: "#fff" },
    ":hover:active": { backgroundColor: "#9c2f28", color: "#fff" },
  },
});

/** A switch on a picture. The label says what a press does; "off" is red, and never by colour alone. */
export function RoundToggle(props: {
  on: boolean;
  label: string;
  icon: ReactElement;
  testId: string;
  onClick: () => void;
}) {
  const styles = useStyles();
  return (
    <Tooltip content={props.label} relationship="label">
      <Button
        shape="circular"
        className={mergeClasses(styles.button, !props.on && styles.off)}
        icon={props.icon}
        data-testid={props.testId}
        data-on={props.on}
        onClick={props.onClick}
      />
    </Tooltip>
  );
}
