import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  Link,
  makeStyles,
  Text,
  tokens,
} from "@fluentui/react-components";
import { CallRegular } from "@fluentui/react-icons";
import { join as words } from "../messages";
import { CopyField } from "./copy-field";

const useStyles = makeStyles({
  panel: {
    display: "flex",
    flexDirection: "column",
    alignItems: "stretch",
    gap: tokens.spacingVerticalS,
    paddingBottom: tokens.spacingVerticalM,
  },
  link: { alignSelf: "start" },
});

/** For those who'd rather use a phone: the meeting's own SIP address. */
export function PhoneAddress({ address }: { address: string }) {
  const styles = useStyles();
  return (
    <Accordion collapsible>
      <AccordionItem value="phone">
        <AccordionHeader icon={<CallRegular />}>{words.phoneTitle}</AccordionHeader>
        <AccordionPanel>
          <div className={styles.panel}>
            <Text>{words.phoneText}</Text>
            <CopyField value={address} label={words.phoneTitle} action={words.copyAddress} testId="dial" />
            <Link href={address} className={styles.link}>
              {words.openApp}
            </Link>
          </div>
        </AccordionPanel>
      </AccordionItem>
    </Accordion>
  );
}
