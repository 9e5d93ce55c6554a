//! Keeping a sum of voices within full scale, without a trace on what is not too loud.

/// Up to here sound passes untouched; from here on it bends towards full scale.
const KNEE: f32 = 0.7;

/// One sample, softly limited: linear to the knee, then ever flatter, never beyond 1. It keeps no
/// state, so that one frame's limiting can't be told from another listener's.
pub(super) fn limit(sample: f32) -> f32 {
    let magnitude = sample.abs();
    if magnitude <= KNEE {
        return sample;
    }
    let room = 1.0 - KNEE;
    let over = (magnitude - KNEE) / room;
    let bent = KNEE + room * (over / (1.0 + over));
    // An infinite or impossible sample must not be heard, nor spoil a codec's state.
    if bent.is_finite() {
        bent.copysign(sample)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quiet_sound_passes_untouched() {
        for sample in [-0.7, -0.1, 0.0, 0.3, 0.7] {
            assert_eq!(limit(sample), sample);
        }
    }

    #[test]
    fn the_knee_is_smooth() {
        assert!((limit(0.701) - 0.701).abs() < 0.0001);
    }

    #[test]
    fn what_is_no_number_is_silent() {
        assert_eq!(limit(f32::NAN), 0.0);
        assert_eq!(limit(f32::INFINITY), 0.0);
    }

    proptest! {
        #[test]
        fn nothing_leaves_full_scale_and_order_is_kept(a in -100.0f32..100.0, b in -100.0f32..100.0) {
            prop_assert!(limit(a).abs() <= 1.0);
            prop_assert!(a > b || limit(a) <= limit(b));
            prop_assert_eq!(limit(-a), -limit(a));
        }
    }
}
