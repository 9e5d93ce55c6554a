import {
  Button,
  LargeTitle,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Text,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import { common, signIn } from "../messages";
import type { SessionModel, SessionTrouble } from "../state/session";
import { DoorMark } from "./brand";
import { PageFrame } from "./page-frame";

const useStyles = makeStyles({
  hero: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1.2fr) minmax(0, 1fr)",
    alignItems: "center",
    gap: "48px",
    minHeight: "min(560px, 70vh)",
    "@media (max-width: 760px)": { gridTemplateColumns: "1fr", gap: "24px" },
  },
  words: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalL, alignItems: "flex-start" },
  title: { letterSpacing: "-0.02em", lineHeight: "1.1", fontSize: "clamp(32px, 5vw, 52px)" },
  lead: { maxWidth: "32em", color: tokens.colorNeutralForeground2 },
  hint: { color: tokens.colorNeutralForeground3 },
  door: {
    width: "min(100%, 320px)",
    justifySelf: "center",
    borderRadius: "25%",
    boxShadow: tokens.shadow28,
    "@media (max-width: 760px)": { width: "140px", order: -1, justifySelf: "start" },
  },
});

/** The front page for whoever isn't signed in. */
export function SignInPage({ session, trouble }: { session: SessionModel; trouble: SessionTrouble | null }) {
  const styles = useStyles();
  const [leaving, setLeaving] = useState(false);
  const start = async () => {
    setLeaving(true);
    await session.signIn("/");
    setLeaving(false);
  };
  return (
    <PageFrame>
      <div className={styles.hero}>
        <div className={styles.words}>
          <LargeTitle as="h1" className={styles.title}>
            {signIn.title}
          </LargeTitle>
          <Text size={500} className={styles.lead}>
            {signIn.lead}
          </Text>
          {trouble && (
            <MessageBar intent={trouble === "expired" ? "info" : "error"} layout="multiline">
              <MessageBarBody>{signIn.trouble[trouble]}</MessageBarBody>
            </MessageBar>
          )}
          <Button appearance="primary" size="large" onClick={start} disabledFocusable={leaving}>
            {common.signIn}
          </Button>
          <Text className={styles.hint}>{signIn.hint}</Text>
        </div>
        <DoorMark className={styles.door} />
      </div>
    </PageFrame>
  );
}
