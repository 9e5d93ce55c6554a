import {
  Button,
  Menu,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { DarkThemeRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { common } from "../messages";
import { Brand } from "./brand";
import { type Appearance, chooseAppearance, themeStore } from "./theme";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  frame: {
    minHeight: "100%",
    boxSizing: "border-box",
    display: "flex",
    flexDirection: "column",
    backgroundColor: tokens.colorNeutralBackground3,
    backgroundImage: `radial-gradient(60rem 30rem at 85% -10%, ${tokens.colorBrandBackground2}, transparent)`,
    backgroundRepeat: "no-repeat",
  },
  header: {
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    padding: `${tokens.spacingVerticalL} clamp(16px, 4vw, 48px)`,
  },
  actions: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  main: {
    flexGrow: 1,
    width: "100%",
    maxWidth: "1080px",
    boxSizing: "border-box",
    marginInline: "auto",
    padding: "8px clamp(16px, 4vw, 48px) 48px",
  },
});

/** Every page but the meeting itself: brand on the left, appearance and what belongs to the page on the right. */
export function PageFrame({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  const styles = useStyles();
  return (
    <div className={styles.frame}>
      <header className={styles.header}>
        <Brand />
        <div className={styles.actions}>
          <AppearanceMenu />
          {actions}
        </div>
      </header>
      <main className={styles.main}>{children}</main>
    </div>
  );
}

/** Light, dark, or whatever the device does. */
export function AppearanceMenu() {
  const { appearance } = useStore(themeStore);
  return (
    <Menu
      checkedValues={{ appearance: [appearance] }}
      onCheckedValueChange={(_, { checkedItems }) => chooseAppearance(checkedItems[0] as Appearance)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          icon={<DarkThemeRegular />}
          aria-label={common.theme}
          title={common.theme}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {(["system", "light", "dark"] as const).map((value) => (
            <MenuItemRadio key={value} name="appearance" value={value}>
              {common.themes[value]}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
