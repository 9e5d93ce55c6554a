import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useRef } from "react";
import { common, meeting, shortcuts as words } from "../messages";

type Action = "microphone" | "camera" | "share" | "people" | "help";

interface Shortcut {
  readonly label: string;
  readonly text: string;
  readonly matches: (event: KeyboardEvent) => boolean;
}

function withControl(key: string, shift: boolean): (event: KeyboardEvent) => boolean {
  return (event) =>
    (event.ctrlKey || event.metaKey) &&
    !event.altKey &&
    event.shiftKey === shift &&
    event.key.toLowerCase() === key;
}

/** The keys of a meeting. Leaving has none: it would happen by accident. */
export const SHORTCUTS: Readonly<Record<Action, Shortcut>> = {
  microphone: { label: `${words.ctrl}+D`, text: words.microphone, matches: withControl("d", false) },
  camera: { label: `${words.ctrl}+E`, text: words.camera, matches: withControl("e", false) },
  share: { label: `${words.ctrl}+Shift+E`, text: words.share, matches: withControl("e", true) },
  people: { label: `${words.ctrl}+Shift+L`, text: words.people, matches: withControl("l", true) },
  help: {
    label: "?",
    text: words.help,
    matches: (event) => event.key === "?" && !event.ctrlKey && !event.metaKey && !isTyping(event),
  },
};

const ACTIONS = Object.keys(SHORTCUTS) as readonly Action[];

/** Listen for the shortcuts as long as the component is there. */
export function useShortcuts(actions: Readonly<Record<Action, () => void>>): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const action = ACTIONS.find((name) => SHORTCUTS[name].matches(event));
      if (action && !event.repeat) {
        event.preventDefault();
        current.current[action]();
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null
  );
}

const useStyles = makeStyles({
  list: {
    display: "grid",
    gridTemplateColumns: "1fr auto",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalXXL}`,
    margin: 0,
  },
  keys: {
    margin: 0,
    fontFamily: tokens.fontFamilyMonospace,
    padding: "2px 8px",
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground4,
    justifySelf: "end",
  },
});

/** The list of keys. */
export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const styles = useStyles();
  return (
    <Dialog open={open} onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{meeting.help}</DialogTitle>
          <DialogContent>
            <dl className={styles.list}>
              {ACTIONS.map((action) => (
                <Row key={action} shortcut={SHORTCUTS[action]} />
              ))}
            </dl>
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button appearance="primary">{common.close}</Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Row({ shortcut }: { shortcut: Shortcut }) {
  const styles = useStyles();
  return (
    <>
      <dt>{shortcut.text}</dt>
      <dd className={styles.keys}>{shortcut.label}</dd>
    </>
  );
}
