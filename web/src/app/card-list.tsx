import { makeStyles, Subtitle2, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  list: { listStyleType: "none", margin: 0, padding: 0, display: "grid", gap: tokens.spacingVerticalM },
  card: {
    padding: "20px clamp(16px, 3vw, 24px)",
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow4,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto",
    gap: tokens.spacingVerticalM,
    alignItems: "center",
    "@media (max-width: 640px)": { gridTemplateColumns: "1fr" },
  },
  words: { minWidth: 0, display: "flex", flexDirection: "column" },
  title: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  line: { color: tokens.colorNeutralForeground3 },
  state: { color: tokens.colorPaletteRedForeground1 },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  below: { gridColumn: "1 / -1", minWidth: 0 },
});

/** Things of the person's, each a `Card`. */
export function CardList({ children }: { children: ReactNode }) {
  return <ul className={useStyles().list}>{children}</ul>;
}

interface CardProps {
  title: string;
  lines: string[];
  /** What it is going through, if anything. */
  state?: string;
  /** Buttons. */
  actions?: ReactNode;
  /** What stands over the whole width. */
  below?: ReactNode;
  testId: string;
  /** Dialogs that its buttons open. */
  children?: ReactNode;
}

/** One thing: what it is and, beside it, what can be done with it. */
export function Card({ title, lines, state, actions, below, testId, children }: CardProps) {
  const styles = useStyles();
  return (
    <li className={styles.card} data-testid={testId}>
      <div className={styles.words}>
        <Subtitle2 as="h3" className={styles.title}>
          {title}
        </Subtitle2>
        {lines.map((line) => (
          <Text key={line} size={200} className={styles.line}>
            {line}
          </Text>
        ))}
        {state && (
          <Text size={200} className={styles.state}>
            {state}
          </Text>
        )}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
      {below && <div className={styles.below}>{below}</div>}
      {children}
    </li>
  );
}
