//! Which layer of each video slot a receiver gets, so that all of it fits into its bandwidth.
//!
//! Pure: bits per second in, layers out. Two rules keep pictures from flapping: what is shown may stay
//! while it just fits, but something better must fit with room to spare; and a slot that has just been
//! lowered may not rise for a while (`may_rise`, the caller's clock).

/// Most layers that a source is sent in.
pub const MAX_LAYERS: usize = 3;
/// Steps below the smallest layer: the same picture with fewer frames, where its sender has temporal layers.
pub const FEWER_FRAMES: usize = 2;
/// What a receiver may be given, from the least: the smallest layer with fewer frames, then each layer whole.
pub const STEPS: usize = FEWER_FRAMES + MAX_LAYERS;
/// A rise must leave a seventh of what it costs unused.
const HEADROOM: u64 = 7;
/// Of a budget that a screen alone would use up, the cameras keep this share.
const CAMERAS_SHARE: u64 = 4;

/// Who gets bandwidth first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A shared screen: it is never paused while there is bandwidth at all.
    Screen,
    /// The camera of who is speaking.
    Speaker,
    /// Any other camera.
    Other,
}

/// One slot that shows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// When it is served.
    pub priority: Priority,
    /// Bits per second of each step that is to be had.
    pub rates: [Option<u64>; STEPS],
    /// The best step that is of use to the receiver.
    pub wanted: usize,
    /// The step chosen last; `None`: paused, or just begun.
    pub current: Option<usize>,
    /// Whether anything better than `current` may be chosen.
    pub may_rise: bool,
}

impl Request {
    /// The steps that may be chosen, from the least.
    fn choices(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        self.choices_to(self.wanted)
    }

    /// The steps up to that one that may be chosen, the least in any case.
    fn choices_to(&self, best: usize) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let least = self.rates.iter().position(Option::is_some);
        let best = best.max(least.unwrap_or_default());
        self.rates
            .into_iter()
            .enumerate()
            .take(best + 1)
            .filter_map(|(step, rate)| Some((step, rate?)))
    }

    /// The smallest layer with all its frames, or what is wanted if that is less.
    fn whole(&self) -> usize {
        let layers = self.rates.iter().enumerate().skip(FEWER_FRAMES);
        let mut sent = layers.filter(|(_, rate)| rate.is_some());
        sent.next()
            .map_or(self.wanted, |(step, _)| step.min(self.wanted))
    }

    /// What the next better step costs beyond `choice`, with headroom; `None` if it may not be had.
    pub fn next_step(&self, choice: Option<usize>) -> Option<u64> {
        let spent = choice.and_then(|step| self.rates[step]).unwrap_or_default();
        let mut better = self.choices().filter(|(step, _)| Some(*step) > choice);
        let (_, rate) = better.next().filter(|_| self.may_rise)?;
        Some(with_headroom(rate).saturating_sub(spent))
    }

    fn rises_to(&self, step: usize) -> bool {
        self.current.is_none_or(|current| step > current)
    }
}

/// A step for each request, or `None` for a pause. `budget` is in bits per second, for video alone.
pub fn allot(budget: u64, requests: &[Request]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|index| requests[*index].priority);
    let mut left = budget;
    let mut chosen: Vec<Option<(usize, u64)>> = vec![None; requests.len()];
    // First something for everyone, then all frames of it, then better pictures for those who come first.
    for index in &order {
        chosen[*index] = least(&requests[*index], left);
        left -= chosen[*index].map_or(0, |(_, cost)| cost);
    }
    let wholes = order.iter().map(|index| (*index, requests[*index].whole()));
    let wanted = order.iter().map(|index| (*index, requests[*index].wanted));
    for (index, most) in wholes.chain(wanted) {
        let Some((_, cost)) = chosen[index] else {
            continue;
        };
        let raised = best(&requests[index], most, left + cost);
        if let Some((step, raised)) = raised.filter(|(_, raised)| *raised > cost) {
            left = left + cost - raised;
            chosen[index] = Some((step, raised));
        }
    }
    chosen
        .into_iter()
        .map(|choice| choice.map(|(step, _)| step))
        .collect()
}

/// The least with what it is charged, if it fits.
fn least(request: &Request, left: u64) -> Option<(usize, u64)> {
    let (layer, rate) = request.choices().next()?;
    if request.priority == Priority::Screen {
        let most = left - left / CAMERAS_SHARE;
        return (left > 0).then_some((layer, rate.min(most)));
    }
    fits(request, layer, rate, left).then_some((layer, rate))
}

/// The best step up to `most` that fits.
fn best(request: &Request, most: usize, left: u64) -> Option<(usize, u64)> {
    let mut choices = request.choices_to(most).rev();
    choices.find(|(step, rate)| fits(request, *step, *rate, left))
}

fn fits(request: &Request, step: usize, rate: u64, left: u64) -> bool {
    if !request.rises_to(step) {
        return rate <= left;
    }
    request.may_rise && with_headroom(rate) <= left
}

fn with_headroom(rate: u64) -> u64 {
    rate.saturating_add(rate / HEADROOM)
}

/// The layer that suits a picture of that height: the smallest that is not smaller, else the largest.
/// `heights` are those of the layers being sent; `None` is returned if there are none.
pub fn suited(heights: &[Option<u16>; MAX_LAYERS], wanted: u16) -> Option<usize> {
    // A tile a little larger than the picture is not worth four times the bits.
    let enough = |height: u16| u32::from(height) * 5 >= u32::from(wanted) * 4;
    let large = heights.iter().position(|height| height.is_some_and(enough));
    large.or_else(|| heights.iter().rposition(Option::is_some))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYERS: [Option<u64>; STEPS] =
        [None, None, Some(150_000), Some(500_000), Some(1_500_000)];
    /// The smallest picture with a quarter, with half, and with all of its frames.
    const FRAMES: [Option<u64>; STEPS] = [Some(60_000), Some(90_000), Some(150_000), None, None];

    /// Whole layers alone.
    fn whole(layers: [Option<u64>; MAX_LAYERS]) -> [Option<u64>; STEPS] {
        let [small, middle, large] = layers;
        [None, None, small, middle, large]
    }

    /// As the function under test, in layers instead of steps, of requests without fewer frames.
    fn allot(budget: u64, requests: &[Request]) -> Vec<Option<usize>> {
        let steps = super::allot(budget, requests).into_iter();
        steps
            .map(|step| step.map(|step| step - FEWER_FRAMES))
            .collect()
    }

    fn camera(wanted: usize, current: Option<usize>) -> Request {
        Request {
            priority: Priority::Other,
            rates: LAYERS,
            wanted: wanted + FEWER_FRAMES,
            current: current.map(|layer| layer + FEWER_FRAMES),
            may_rise: true,
        }
    }

    #[test]
    fn with_enough_everyone_gets_what_is_wanted() {
        let requests = [camera(0, None), camera(2, None), camera(1, None)];
        assert_eq!(allot(10_000_000, &requests), [Some(0), Some(2), Some(1)]);
    }

    #[test]
    fn everyone_gets_something_before_anyone_gets_more() {
        let speaker = Request {
            priority: Priority::Speaker,
            ..camera(2, None)
        };
        let requests = [camera(2, None), camera(2, None), speaker];
        assert_eq!(allot(900_000, &requests), [Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn the_last_are_paused_when_not_even_the_smallest_fits() {
        let speaker = Request {
            priority: Priority::Speaker,
            ..camera(2, Some(0))
        };
        let requests = [camera(2, Some(0)), speaker];
        assert_eq!(allot(200_000, &requests), [None, Some(0)]);
        assert_eq!(allot(0, &requests), [None, None]);
    }

    #[test]
    fn a_screen_comes_first_and_leaves_something() {
        let screen = Request {
            priority: Priority::Screen,
            rates: whole([Some(2_500_000), None, None]),
            ..camera(0, None)
        };
        let requests = [camera(2, Some(0)), screen];
        assert_eq!(allot(1_000_000, &requests), [Some(0), Some(0)]);
        assert_eq!(allot(100_000, &requests), [None, Some(0)]);
        assert_eq!(allot(0, &requests), [None, None]);
    }

    #[test]
    fn what_just_fits_may_stay_but_is_no_reason_to_rise() {
        assert_eq!(allot(500_000, &[camera(1, Some(1))]), [Some(1)]);
        assert_eq!(allot(500_000, &[camera(1, Some(0))]), [Some(0)]);
        assert_eq!(allot(580_000, &[camera(1, Some(0))]), [Some(1)]);
        let held = Request {
            may_rise: false,
            ..camera(1, Some(0))
        };
        assert_eq!(allot(5_000_000, &[held]), [Some(0)]);
    }

    #[test]
    fn a_layer_that_is_not_sent_is_not_chosen() {
        let only_large = Request {
            rates: whole([None, None, Some(900_000)]),
            ..camera(0, None)
        };
        assert_eq!(allot(5_000_000, &[only_large]), [Some(2)]);
        let none = Request {
            rates: [None; STEPS],
            ..camera(2, None)
        };
        assert_eq!(allot(5_000_000, &[none]), [None]);
    }

    #[test]
    fn fewer_frames_come_before_none_and_all_frames_before_larger_pictures() {
        let frames = |wanted| Request {
            rates: FRAMES,
            ..camera(wanted, None)
        };
        let alone = |budget| super::allot(budget, &[frames(0)]);
        assert_eq!(alone(60_000), [None], "just begun, it needs room to spare");
        assert_eq!(alone(70_000), [Some(0)]);
        assert_eq!(alone(110_000), [Some(1)]);
        assert_eq!(alone(180_000), [Some(2)]);
        let speaker = Request {
            priority: Priority::Speaker,
            rates: [FRAMES[0], FRAMES[1], FRAMES[2], Some(500_000), None],
            ..camera(2, None)
        };
        let both = |budget| super::allot(budget, &[frames(0), speaker]);
        assert_eq!(both(140_000), [Some(0), Some(0)]);
        assert_eq!(both(250_000), [Some(0), Some(2)]);
        assert_eq!(both(600_000), [Some(2), Some(2)]);
        assert_eq!(both(730_000), [Some(2), Some(3)]);
    }

    #[test]
    fn a_picture_suits_a_tile_that_is_not_much_larger() {
        let heights = [Some(180), Some(360), Some(720)];
        assert_eq!(suited(&heights, 90), Some(0));
        assert_eq!(suited(&heights, 200), Some(0));
        assert_eq!(suited(&heights, 300), Some(1));
        assert_eq!(suited(&heights, 2_000), Some(2));
        assert_eq!(suited(&[None, Some(360), None], 90), Some(1));
        assert_eq!(suited(&[None; 3], 90), None);
    }

    prop_compose! {
        fn any_request()(
            priority in prop::sample::select(vec![Priority::Speaker, Priority::Other]),
            rates in prop::array::uniform5(prop::option::of(0_u64..4_000_000)),
            wanted in 0..STEPS,
            current in prop::option::of(0..STEPS),
            may_rise: bool,
        ) -> Request {
            Request { priority, rates, wanted, current, may_rise }
        }
    }

    proptest! {
        #[test]
        fn it_fits_and_only_what_is_sent_is_chosen(
            budget in 0_u64..10_000_000,
            requests in prop::collection::vec(any_request(), 0..26),
        ) {
            let chosen = super::allot(budget, &requests);
            prop_assert_eq!(chosen.len(), requests.len());
            let mut spent = 0;
            for (request, choice) in requests.iter().zip(&chosen) {
                let Some(layer) = choice else { continue };
                spent += request.rates[*layer].unwrap();
                let smallest = request.rates.iter().position(Option::is_some).unwrap();
                prop_assert!(*layer <= request.wanted.max(smallest));
                prop_assert!(request.may_rise || request.current.is_some_and(|c| *layer <= c));
            }
            prop_assert!(spent <= budget);
        }

        /// What was chosen stays chosen while nothing changes: no flapping.
        #[test]
        fn it_is_settled_at_once(
            budget in 0_u64..10_000_000,
            sizes in prop::collection::vec(
                ([1_u64..60, 60_u64..120, 120_u64..300, 300_u64..900, 900_u64..3_000], 0_usize..3), 0..26
            ),
        ) {
            let mut requests: Vec<Request> = sizes
                .into_iter()
                .map(|(rates, wanted)| Request {
                    rates: rates.map(|rate| Some(rate * 1_000)),
                    ..camera(wanted, None)
                })
                .collect();
            let first = super::allot(budget, &requests);
            for (request, choice) in requests.iter_mut().zip(&first) {
                request.current = *choice;
                request.may_rise = choice.is_none();
            }
            prop_assert_eq!(super::allot(budget, &requests), first);
        }

        #[test]
        fn a_screen_never_takes_more_than_there_is(budget: u64, rate: u64) {
            let screen = Request {
                priority: Priority::Screen,
                rates: whole([Some(rate), None, None]),
                ..camera(0, None)
            };
            let chosen = allot(budget, &[screen, camera(2, None)]);
            prop_assert_eq!(chosen[0].is_some(), budget > 0);
        }
    }
}
