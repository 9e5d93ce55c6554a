import { Button, makeStyles, Text, Title2, tokens } from "@fluentui/react-components";
import { LinkRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { farewellActions, join } from "../messages";
import { navigate } from "./location";
import { PageFrame } from "./page-frame";

const useStyles = makeStyles({
  card: {
    maxWidth: "34em",
    marginInline: "auto",
    marginTop: "8vh",
    padding: "clamp(24px, 5vw, 48px)",
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow8,
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    textAlign: "center",
    gap: tokens.spacingVerticalL,
  },
  icon: { fontSize: "48px", color: tokens.colorBrandForeground1, display: "flex" },
  text: { color: tokens.colorNeutralForeground2, textAlign: "center" },
  actions: { display: "flex", flexWrap: "wrap", justifyContent: "center", gap: tokens.spacingHorizontalM },
});

/** A calm page with one thing to say. */
export function StatementPage(props: {
  icon: ReactNode;
  title: string;
  text: string;
  actions: ReactNode;
  testId?: string;
}) {
  const styles = useStyles();
  return (
    <PageFrame>
      <section className={styles.card} data-testid={props.testId} aria-live="polite">
        <span className={styles.icon}>{props.icon}</span>
        <Title2 as="h1">{props.title}</Title2>
        <Text className={styles.text}>{props.text}</Text>
        <div className={styles.actions}>{props.actions}</div>
      </section>
    </PageFrame>
  );
}

/** The link lost its key or is none at all. */
export function BadLinkPage({ onSignIn }: { onSignIn?: () => void }) {
  return (
    <StatementPage
      icon={<LinkRegular />}
      title={join.badLinkTitle}
      text={join.badLinkText}
      testId="bad-link"
      actions={
        <>
          {onSignIn && (
            <Button appearance="primary" onClick={onSignIn}>
              {join.memberSignIn}
            </Button>
          )}
          <Button onClick={() => navigate("/")}>{farewellActions.home}</Button>
        </>
      }
    />
  );
}
