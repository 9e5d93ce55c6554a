//! The estimator over simulated ways.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const DELAY: u64 = 20_000;
const PACKET: usize = 1_000;

/// A way with a queue of 300 ms.
struct Way {
    bits: u64,
    /// Of a hundred packets so many are lost.
    loss: u64,
    /// Whether bursts lose none.
    spares_bursts: bool,
    free: u64,
    /// Number and arrival in microseconds.
    carried: VecDeque<(u16, Option<u64>)>,
    count: u64,
}

impl Way {
    fn new(bits: u64) -> Self {
        Self {
            bits,
            loss: 0,
            spares_bursts: false,
            free: 0,
            carried: VecDeque::new(),
            count: 0,
        }
    }

    fn carry(&mut self, now: u64, number: u16, in_burst: bool) {
        self.count += 1;
        let start = self.free.max(now);
        let loses = self.count * 37 % 100 < self.loss && !(in_burst && self.spares_bursts);
        let is_lost = loses || start > now + 300_000;
        if !is_lost {
            self.free = start + PACKET as u64 * 8_000_000 / self.bits;
        }
        let at = (!is_lost).then_some(self.free + DELAY);
        self.carried.push_back((number, at));
    }

    /// A report of all that have arrived, as a browser sends it.
    fn report(&mut self, now: u64) -> Option<Vec<u8>> {
        let newest = self
            .carried
            .iter()
            .rposition(|(_, at)| at.is_some_and(|at| at <= now))?;
        let told: Vec<_> = self.carried.drain(..=newest).collect();
        let first_at = told.iter().find_map(|(_, at)| *at)?;
        let reference = first_at / 64_000;
        let mut body = told[0].0.to_be_bytes().to_vec();
        body.extend((told.len() as u16).to_be_bytes());
        body.extend(&(reference as u32).to_be_bytes()[1..]);
        body.push(0);
        let mut deltas = Vec::new();
        let mut last = reference * 64_000 / 250;
        for (_, at) in &told {
            let symbol: u16 = if at.is_some() { 2 } else { 0 };
            body.extend((symbol << 13 | 1).to_be_bytes());
            if let Some(at) = at {
                let at = at / 250;
                deltas.extend(((at as i64 - last as i64) as i16).to_be_bytes());
                last = at;
            }
        }
        body.extend(deltas);
        Some(body)
    }
}

/// Send at what is estimated, `most` at most, for so many milliseconds; burst as asked for.
fn run(
    estimator: &mut Estimator,
    way: &mut Way,
    start: Instant,
    span: std::ops::Range<u64>,
    most: u64,
) {
    let mut owed = 0;
    for millis in span {
        let now = start + Duration::from_millis(millis);
        estimator.tick(now, true);
        owed += estimator.bits().min(most) / 8_000;
        let due = estimator.probe_due(now).unwrap_or_default() as u64;
        owed = owed.max(due);
        while owed >= PACKET as u64 {
            owed -= PACKET as u64;
            way.carry(millis * 1_000, estimator.sent(now, PACKET), due > 0);
        }
        if millis % 50 == 0
            && let Some(report) = way.report(millis * 1_000)
        {
            assert!(estimator.report(now, &report));
        }
    }
}

fn estimator(start: Instant, desired: u64) -> Estimator {
    let mut estimator = Estimator::new(start, 2_000_000);
    estimator.desire(desired);
    estimator
}

#[test]
fn a_wide_way_is_found_wide_within_a_second() {
    let start = Instant::now();
    let (mut estimator, mut way) = (estimator(start, 10_000_000), Way::new(100_000_000));
    run(&mut estimator, &mut way, start, 0..1_000, u64::MAX);
    assert!(estimator.bits() >= 8_000_000, "{}", estimator.bits());
}

#[test]
fn a_narrow_way_is_not_overrun_for_long() {
    let start = Instant::now();
    let (mut estimator, mut way) = (estimator(start, 10_000_000), Way::new(1_000_000));
    run(&mut estimator, &mut way, start, 0..10_000, u64::MAX);
    for second in 10..30 {
        run(
            &mut estimator,
            &mut way,
            start,
            second * 1_000..(second + 1) * 1_000,
            u64::MAX,
        );
        let bits = estimator.bits();
        assert!(
            (500_000..1_300_000).contains(&bits),
            "second {second}: {bits}"
        );
    }
}

#[test]
fn a_way_that_narrows_and_widens_is_followed() {
    let start = Instant::now();
    let (mut estimator, mut way) = (estimator(start, 4_000_000), Way::new(10_000_000));
    run(&mut estimator, &mut way, start, 0..3_000, u64::MAX);
    assert!(estimator.bits() >= 3_500_000, "{}", estimator.bits());
    way.bits = 800_000;
    run(&mut estimator, &mut way, start, 3_000..9_000, u64::MAX);
    assert!(estimator.bits() < 1_000_000, "{}", estimator.bits());
    way.bits = 10_000_000;
    run(&mut estimator, &mut way, start, 9_000..24_000, u64::MAX);
    assert!(estimator.bits() >= 3_000_000, "{}", estimator.bits());
}

#[test]
fn some_loss_is_borne_and_much_is_not() {
    let start = Instant::now();
    let (mut estimator, mut way) = (estimator(start, 3_000_000), Way::new(100_000_000));
    way.loss = 5;
    run(&mut estimator, &mut way, start, 0..5_000, u64::MAX);
    assert!(estimator.bits() >= 2_500_000, "{}", estimator.bits());
    for (loss, span, most) in [
        (15, 5_000..15_000, 1_000_000),
        (40, 15_000..20_000, 500_000),
    ] {
        way.loss = loss;
        run(&mut estimator, &mut way, start, span, u64::MAX);
        assert!(estimator.bits() < most, "{loss}: {}", estimator.bits());
    }
}

#[test]
fn bursts_that_get_through_prove_nothing_while_much_is_lost() {
    let start = Instant::now();
    let (mut estimator, mut way) = (estimator(start, 3_000_000), Way::new(100_000_000));
    (way.loss, way.spares_bursts) = (30, true);
    run(&mut estimator, &mut way, start, 0..15_000, u64::MAX);
    assert!(estimator.bits() < 500_000, "{}", estimator.bits());
}

#[test]
fn little_that_is_sent_is_no_reason_to_believe_in_little() {
    let start = Instant::now();
    let (mut estimator, mut way) = (estimator(start, 4_000_000), Way::new(10_000_000));
    run(&mut estimator, &mut way, start, 0..30_000, 50_000);
    assert!(estimator.bits() >= 3_500_000, "{}", estimator.bits());
}

proptest! {
    #[test]
    fn any_reports_are_borne(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 8..60), 0..40)
    ) {
        let start = Instant::now();
        let mut estimator = estimator(start, 10_000_000);
        for (n, mut body) in (0..).zip(bodies) {
            let now = start + n * 20 * MS;
            estimator.sent(now, 1_200);
            // Near what was sent, so that some of it is believed.
            body[0] = 0;
            body[2] = 0;
            estimator.report(now, &body);
            estimator.tick(now, true);
            prop_assert!((LIMITS.0..=LIMITS.1).contains(&estimator.bits()));
        }
    }
}
