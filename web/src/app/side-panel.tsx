import { Button, makeStyles, mergeClasses, Subtitle1, tokens } from "@fluentui/react-components";
import { DismissRegular } from "@fluentui/react-icons";
import { type ReactNode, useEffect, useRef } from "react";
import { common } from "../messages";

const useStyles = makeStyles({
  panel: {
    width: "320px",
    boxSizing: "border-box",
    margin: "12px 12px 0 0",
    padding: tokens.spacingHorizontalL,
    display: "flex",
    flexDirection: "column",
    gap: tokens.spacingVerticalL,
    overflowY: "auto",
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow8,
    "@media (max-width: 800px)": {
      position: "fixed",
      inset: "12px 12px 84px 12px",
      width: "auto",
      margin: 0,
      zIndex: 3,
    },
  },
  wide: { width: "440px" },
  head: { display: "flex", justifyContent: "space-between", alignItems: "center" },
});

/** What stands beside the stage. It takes the focus when it comes, and gives it back when it goes; Escape closes it. */
export function SidePanel(props: {
  title: string;
  wide?: boolean;
  testId?: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const styles = useStyles();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus();
      }
    };
  }, []);
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      className={mergeClasses(styles.panel, props.wide && styles.wide)}
      aria-label={props.title}
      data-testid={props.testId}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) {
          props.onClose();
        }
      }}
    >
      <div className={styles.head}>
        <Subtitle1 as="h2">{props.title}</Subtitle1>
        <Button
          appearance="subtle"
          icon={<DismissRegular />}
          aria-label={common.close}
          onClick={props.onClose}
        />
      </div>
      {props.children}
    </aside>
  );
}
