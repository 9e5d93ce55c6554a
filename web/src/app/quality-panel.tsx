import { Badge, makeStyles, Subtitle2, Text, tokens } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import type { Direction, Flow, Quality } from "../media/quality";
import type { Grade } from "../media/speech-score";
import { quality as words } from "../messages";
import type { MeetingModel } from "../state/meeting";
import { QualityModel } from "../state/quality";
import { SidePanel } from "./side-panel";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  summary: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  facts: {
    display: "grid",
    gridTemplateColumns: "auto 1fr",
    gap: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalL}`,
    margin: 0,
  },
  term: { color: tokens.colorNeutralForeground3 },
  value: { margin: 0 },
  section: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalS },
  table: { borderCollapse: "collapse", width: "100%", fontVariantNumeric: "tabular-nums" },
  head: {
    textAlign: "end",
    fontWeight: tokens.fontWeightRegular,
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    paddingBottom: tokens.spacingVerticalXS,
  },
  source: {
    textAlign: "start",
    fontWeight: tokens.fontWeightRegular,
    padding: `${tokens.spacingVerticalXS} 0`,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  cell: {
    textAlign: "end",
    whiteSpace: "nowrap",
    padding: `${tokens.spacingVerticalXS} 0 ${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  codec: { display: "block", color: tokens.colorNeutralForeground3 },
  hint: { color: tokens.colorNeutralForeground3 },
});

const COLOURS = { good: "success", fair: "warning", poor: "danger" } as const satisfies Record<Grade, string>;

/** How one's own connection fares: a word for everyone, numbers for who helps. */
export function QualityPanel({ model, onClose }: { model: MeetingModel; onClose: () => void }) {
  const styles = useStyles();
  const [watched] = useState(() => new QualityModel(() => model.statistics()));
  useEffect(() => watched.watch(), [watched]);
  const { quality, announced } = useStore(watched.state);
  const grade = quality?.grade ?? announced;
  return (
    <SidePanel title={words.title} wide testId="quality-panel" onClose={onClose}>
      <div className={styles.summary}>
        <Badge size="small" color={grade ? COLOURS[grade] : "informative"} aria-hidden="true" />
        <Text weight="semibold" role="status" aria-live="polite" data-testid="quality-summary">
          {words.summary(announced)}
        </Text>
      </div>
      {quality && <Numbers quality={quality} />}
    </SidePanel>
  );
}

function Numbers({ quality }: { quality: Quality }) {
  const styles = useStyles();
  const { roundTrip, path, flows } = quality;
  return (
    <>
      <dl className={styles.facts}>
        <dt className={styles.term}>{words.path}</dt>
        <dd className={styles.value} data-testid="quality-path">
          {path ? words.paths(path) : words.unknown}
        </dd>
        <dt className={styles.term}>{words.roundTrip}</dt>
        <dd className={styles.value} data-testid="quality-round-trip">
          {roundTrip === null ? words.unknown : words.milliseconds(roundTrip)}
        </dd>
      </dl>
      <Flows direction="received" flows={flows} />
      <Flows direction="sent" flows={flows} />
      <Text size={200} className={styles.hint}>
        {words.hint}
      </Text>
    </>
  );
}

function Flows({ direction, flows }: { direction: Direction; flows: readonly Flow[] }) {
  const styles = useStyles();
  const mine = flows.filter((flow) => flow.direction === direction);
  const title = `quality-${direction}`;
  return (
    <section className={styles.section}>
      <Subtitle2 as="h3" id={title}>
        {words.directions[direction]}
      </Subtitle2>
      {mine.length === 0 && <Text className={styles.hint}>{words.nothing[direction]}</Text>}
      {mine.length > 0 && (
        <table className={styles.table} aria-labelledby={title} data-testid={title}>
          <thead>
            <tr>
              <td />
              {[words.loss, words.jitter, words.bitrate, words.picture].map((name) => (
                <th key={name} scope="col" className={styles.head}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {mine.map((flow) => (
              <Row key={flow.source} flow={flow} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Row({ flow }: { flow: Flow }) {
  const styles = useStyles();
  const { loss, jitter, bitrate, resolution, codec } = flow;
  return (
    <tr>
      <th scope="row" className={styles.source}>
        {words.sources[flow.direction][flow.source]}
        {codec && (
          <Text size={200} className={styles.codec}>
            {codec}
          </Text>
        )}
      </th>
      <td className={styles.cell}>{loss === null ? words.unknown : words.percent(loss)}</td>
      <td className={styles.cell}>{jitter === null ? words.unknown : words.milliseconds(jitter)}</td>
      <td className={styles.cell}>{words.rate(bitrate)}</td>
      <td className={styles.cell}>{resolution ?? words.unknown}</td>
    </tr>
  );
}
