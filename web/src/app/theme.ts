/** The two looks, and which one the person wants. */
import {
  type BrandVariants,
  createDarkTheme,
  createLightTheme,
  type Theme,
} from "@fluentui/react-components";
import { Store } from "../state/store";

const brand: BrandVariants = {
  10: "#011010",
  20: "#05201f",
  30: "#053331",
  40: "#064341",
  50: "#085351",
  60: "#0c6260",
  70: "#117270",
  80: "#178280",
  90: "#2a9290",
  100: "#44a2a0",
  110: "#5db1af",
  120: "#77c0be",
  130: "#91cecc",
  140: "#acdddb",
  150: "#c7ebe9",
  160: "#e3f8f6",
};

const fonts: Partial<Theme> = {
  fontFamilyBase:
    "'Segoe UI Variable Text', 'Segoe UI', 'Inter', 'Cantarell', 'Noto Sans', system-ui, sans-serif",
};

export const lightTheme: Theme = {
  ...createLightTheme(brand),
  ...fonts,
  colorNeutralBackground3: "#f6f4ef",
};

export const darkTheme: Theme = {
  ...createDarkTheme(brand),
  ...fonts,
  colorBrandForeground1: brand[120],
  colorBrandForeground2: brand[130],
  colorNeutralBackground1: "#1c2526",
  colorNeutralBackground2: "#182021",
  colorNeutralBackground3: "#12191a",
};

export type Appearance = "system" | "light" | "dark";

const REMEMBERED = "vestibule.appearance";
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function rememberedAppearance(): Appearance {
  const stored = localStorage.getItem(REMEMBERED);
  return stored === "light" || stored === "dark" ? stored : "system";
}

interface ThemeState {
  readonly appearance: Appearance;
  readonly dark: boolean;
}

function stateOf(appearance: Appearance): ThemeState {
  return { appearance, dark: appearance === "dark" || (appearance === "system" && prefersDark.matches) };
}

/** The chosen appearance, and whether it means dark right now. */
export const themeStore = new Store<ThemeState>(stateOf(rememberedAppearance()));

prefersDark.addEventListener("change", () => themeStore.set(stateOf(themeStore.get().appearance)));

export function chooseAppearance(appearance: Appearance): void {
  localStorage.setItem(REMEMBERED, appearance);
  themeStore.set(stateOf(appearance));
}
