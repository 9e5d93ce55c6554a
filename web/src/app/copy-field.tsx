import { Button, Input, makeStyles, tokens } from "@fluentui/react-components";
import { CheckmarkRegular, CopyRegular } from "@fluentui/react-icons";
import { useEffect, useState } from "react";
import { common } from "../messages";

const useStyles = makeStyles({
  row: { display: "flex", gap: tokens.spacingHorizontalS, minWidth: 0 },
  input: { flexGrow: 1, minWidth: 0 },
  button: { flexShrink: 0 },
});

/** How long "Copied" stays, in milliseconds. */
const FEEDBACK = 2_500;

/** Something to copy: shown whole, selected by a click, copied by a button that says so. */
export function CopyField(props: { value: string; label: string; action: string; testId?: string }) {
  const styles = useStyles();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const timer = copied ? setTimeout(() => setCopied(false), FEEDBACK) : undefined;
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await navigator.clipboard.writeText(props.value).catch(() => {});
    setCopied(true);
  };
  return (
    <div className={styles.row}>
      <Input
        className={styles.input}
        readOnly
        value={props.value}
        aria-label={props.label}
        data-testid={props.testId}
        onFocus={(event) => event.target.select()}
      />
      <Button
        className={styles.button}
        icon={copied ? <CheckmarkRegular /> : <CopyRegular />}
        onClick={copy}
        aria-label={props.action}
      >
        <span aria-live="polite">{copied ? common.copied : common.copy}</span>
      </Button>
    </div>
  );
}
