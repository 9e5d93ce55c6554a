import { Button, makeStyles, mergeClasses, Tooltip, tokens } from "@fluentui/react-components";
import type { ReactElement } from "react";

export const useControlStyles = makeStyles({
  button: { minWidth: "48px", height: "48px", fontSize: "22px" },
  off: {
    backgroundColor: tokens.colorPaletteRedBackground2,
    color: tokens.colorPaletteRedForeground2,
    ":hover": {
      backgroundColor: tokens.colorPaletteRedBackground2,
      color: tokens.colorPaletteRedForeground2,
    },
  },
  active: { color: tokens.colorBrandForeground1, backgroundColor: tokens.colorBrandBackground2 },
});

/** A round button of the control bar. `keys`: its shortcut, if it has one. */
export function Control(props: {
  testId: string;
  label: string;
  keys?: string;
  icon: ReactElement;
  pressed: boolean;
  className: string | undefined;
  onClick: () => void;
}) {
  const styles = useControlStyles();
  return (
    <Tooltip content={props.keys ? `${props.label} (${props.keys})` : props.label} relationship="description">
      <Button
        shape="circular"
        className={mergeClasses(styles.button, props.className)}
        icon={props.icon}
        aria-label={props.label}
        data-on={!props.pressed}
        data-testid={props.testId}
        onClick={props.onClick}
      />
    </Tooltip>
  );
}
