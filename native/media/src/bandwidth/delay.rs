//! Whether packets queue up on their way: how the time that they take grows (RFC 8698's relative, Google
//! congestion control, draft-ietf-rmcat-gcc-02 section 5, with a trendline for its filter).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets that left within this time are one group.
const GROUP: Duration = Duration::from_millis(5);
/// A way that pauses delivers in bursts: what comes together belongs together, up to this long.
const BURST: i64 = 100_000;
/// Groups that the trend is taken over.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// More groups than this make a trend no surer.
const MOST_GROUPS: usize = 60;
/// The trend must be too steep for longer than this, in milliseconds.
const OVERUSE_TIME: f64 = 10.0;
/// How the threshold follows the trend: up slowly, down more slowly still.
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
const THRESHOLD_LIMITS: (f64, f64) = (6.0, 600.0);
/// A leap of more than this above the threshold doesn't move it.
const THRESHOLD_LEAP: f64 = 15.0;
/// A gap in arrivals after which nothing compares with before, in microseconds.
const GAP: i64 = 3_000_000;

/// What the way does with what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Usage {
    /// It passes on what comes.
    #[default]
    Normal,
    /// A queue grows.
    Over,
    /// A queue shrinks.
    Under,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Instant,
    last_sent: Instant,
    first_arrived: i64,
    last_arrived: i64,
}

/// See the module.
#[derive(Debug)]
pub struct DelayTrend {
    current: Option<Group>,
    previous: Option<Group>,
    start: i64,
    groups: usize,
    accumulated: f64,
    smoothed: f64,
    /// Arrival in ms since the start, and the smoothed delay.
    points: VecDeque<(f64, f64)>,
    detector: Detector,
    /// Whether anything was compared since somebody asked.
    is_news: bool,
}

impl Default for DelayTrend {
    fn default() -> Self {
        Self {
            current: None,
            previous: None,
            start: 0,
            groups: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            points: VecDeque::with_capacity(WINDOW),
            detector: Detector::default(),
            is_news: false,
        }
    }
}

impl DelayTrend {
    /// A packet that left at `sent` arrived, in microseconds of the receiver's clock.
    pub fn arrived(&mut self, sent: Instant, arrived: i64) {
        let Some(group) = &mut self.current else {
            self.begin(sent, arrived);
            return;
        };
        if sent < group.first_sent {
            return;
        }
        if belongs(group, sent, arrived) {
            group.last_sent = group.last_sent.max(sent);
            group.last_arrived = group.last_arrived.max(arrived);
            return;
        }
        let finished = *group;
        if let Some(before) = self.previous.replace(finished) {
            self.compare(&before, &finished);
        }
        self.begin(sent, arrived);
    }

    /// What the arrivals since the last call show; `None`: too few to show anything.
    pub fn usage(&mut self) -> Option<Usage> {
        std::mem::take(&mut self.is_news).then_some(self.detector.usage)
    }

    fn begin(&mut self, sent: Instant, arrived: i64) {
        self.current = Some(Group {
            first_sent: sent,
            last_sent: sent,
            first_arrived: arrived,
            last_arrived: arrived,
        });
    }

    fn compare(&mut self, before: &Group, group: &Group) {
        let arrival_step = group.last_arrived - before.last_arrived;
        if !(0..GAP).contains(&arrival_step) {
            *self = Self {
                current: self.current,
                ..Self::default()
            };
            return;
        }
        let sent_step = group.last_sent.saturating_duration_since(before.last_sent);
        let sent_step = sent_step.as_secs_f64() * 1_000.0;
        if self.groups == 0 {
            self.start = group.last_arrived;
        }
        self.groups += 1;
        self.is_news = true;
        self.accumulated += arrival_step as f64 / 1_000.0 - sent_step;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        if self.points.len() == WINDOW {
            self.points.pop_front();
        }
        let at = (group.last_arrived - self.start) as f64 / 1_000.0;
        self.points.push_back((at, self.smoothed));
        if self.points.len() == WINDOW
            && let Some(slope) = slope(&self.points)
        {
            let trend = slope * self.groups.min(MOST_GROUPS) as f64 * GAIN;
            self.detector.see(trend, slope, sent_step, at);
        }
    }
}

fn belongs(group: &Group, sent: Instant, arrived: i64) -> bool {
    let step = sent.saturating_duration_since(group.first_sent);
    if step <= GROUP {
        return true;
    }
    let sent_step = sent.saturating_duration_since(group.last_sent).as_micros() as i64;
    let arrival_step = arrived - group.last_arrived;
    // It caught up with the packets before it.
    arrival_step < sent_step
        && arrival_step <= GROUP.as_micros() as i64
        && arrived - group.first_arrived < BURST
}

/// The slope of the line that fits the points best; `None` if they are all of one time.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points
        .iter()
        .fold((0.0, 0.0), |(sum_x, sum_y), (x, y)| (sum_x + x, sum_y + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut up, mut down) = (0.0, 0.0);
    for (x, y) in points {
        up += (x - mean_x) * (y - mean_y);
        down += (x - mean_x) * (x - mean_x);
    }
    (down > 0.0).then(|| up / down)
}

/// Compares the trend with a threshold that follows it.
#[derive(Debug)]
struct Detector {
    usage: Usage,
    threshold: f64,
    last_at: Option<f64>,
    last_slope: f64,
    /// How long the trend has been too steep, in ms, and for how many groups.
    over: Option<(f64, u32)>,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            usage: Usage::Normal,
            threshold: 12.5,
            last_at: None,
            last_slope: 0.0,
            over: None,
        }
    }
}

impl Detector {
    fn see(&mut self, trend: f64, slope: f64, sent_step: f64, at: f64) {
        if trend > self.threshold {
            let (time, count) = self.over.unwrap_or((-sent_step / 2.0, 0));
            let (time, count) = (time + sent_step, count + 1);
            self.over = Some((time, count));
            if time > OVERUSE_TIME && count > 1 && slope >= self.last_slope {
                self.over = Some((0.0, 0));
                self.usage = Usage::Over;
            }
        } else {
            self.over = None;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.last_slope = slope;
        self.adapt(trend.abs(), at);
    }

    fn adapt(&mut self, trend: f64, at: f64) {
        let step = at - self.last_at.replace(at).unwrap_or(at);
        if trend > self.threshold + THRESHOLD_LEAP {
            return;
        }
        let gain = if trend < self.threshold {
            THRESHOLD_DOWN
        } else {
            THRESHOLD_UP
        };
        self.threshold += gain * (trend - self.threshold) * step.clamp(0.0, 100.0);
        self.threshold = self.threshold.clamp(THRESHOLD_LIMITS.0, THRESHOLD_LIMITS.1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet every 10 ms, each so many microseconds longer on its way than the one before.
    fn send(
        trend: &mut DelayTrend,
        start: Instant,
        from: u64,
        packets: u64,
        growth: i64,
    ) -> Vec<Usage> {
        (from..from + packets)
            .map(|n| {
                let late = growth * (n - from) as i64;
                let sent = start + Duration::from_millis(10 * n);
                trend.arrived(sent, 7_000_000 + 10_000 * n as i64 + late);
                trend.usage().unwrap_or_default()
            })
            .collect()
    }

    #[test]
    fn an_even_way_is_normal_and_a_growing_queue_is_seen() {
        let (mut trend, start) = (DelayTrend::default(), Instant::now());
        let even = send(&mut trend, start, 0, 100, 0);
        assert!(even.iter().all(|usage| *usage == Usage::Normal));
        let growing = send(&mut trend, start, 100, 60, 2_000);
        assert!(growing.contains(&Usage::Over));
    }

    #[test]
    fn an_emptying_queue_is_seen() {
        let (mut trend, start) = (DelayTrend::default(), Instant::now());
        send(&mut trend, start, 0, 60, 0);
        let emptying = send(&mut trend, start, 60, 60, -2_000);
        assert!(emptying.contains(&Usage::Under));
    }

    proptest! {
        #[test]
        fn any_times_are_borne(times in prop::collection::vec((0_u64..100_000, any::<i32>()), 0..200)) {
            let (mut trend, start) = (DelayTrend::default(), Instant::now());
            for (sent, arrived) in times {
                trend.arrived(start + Duration::from_micros(sent), i64::from(arrived));
            }
            prop_assert!(trend.detector.threshold.is_finite());
        }
    }
}
