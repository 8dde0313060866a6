//! Several demands in one step, and those that only watch.

use super::case::{Case, ask, assert_owed, slow};
use crate::span::Span;
use crate::store::{Demand, Level, RateLimitStore};

/// The orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// What fits everywhere is charged everywhere, each with its own cost and quota.
pub async fn all_are_charged_together(store: &dyn RateLimitStore) {
    let [a, b, c] = [5, 6, 7].map(|burst| Case::new(store, slow(burst)));
    let (granted, levels) = ask(store, &[a.demand(1), b.demand(2), c.demand(3)]).await;
    assert!(granted, "all three fit");
    for (level, taken) in levels.iter().zip(1..) {
        assert_owed(level.debt, a.quota.time_of(taken));
    }
    for case in [a, b, c] {
        case.gives(4).await;
    }
}

/// Wherever the one that does not fit stands, nothing is charged.
pub async fn one_denies_for_all_in_every_order(store: &dyn RateLimitStore) {
    let [a, b, empty] = [0; 3].map(|_| Case::new(store, slow(2)));
    empty.take(2).await;
    let demands = [a.demand(1), b.demand(2), empty.demand(1)];
    for order in ORDERS {
        let (granted, levels) = ask(store, &order.map(|at| demands[at])).await;
        assert!(!granted, "in the order {order:?} one does not fit");
        let fits = [true, true, false];
        assert_eq!(order.map(|at| fits[at]), [0, 1, 2].map(|at| levels[at].fits));
    }
    a.gives(2).await;
    b.gives(2).await;
    empty.owes(empty.quota.time_of(2)).await;
}

/// A demand of more than its burst denies the others too.
pub async fn what_never_fits_denies_for_all(store: &dyn RateLimitStore) {
    let [a, b] = [0; 2].map(|_| Case::new(store, slow(2)));
    for demands in [[a.demand(1), b.demand(3)], [b.demand(3), a.demand(1)]] {
        let (granted, levels) = ask(store, &demands).await;
        assert!(!granted, "three tokens never fit into a bucket of two");
        let fits = demands.map(|demand| demand.cost == 1);
        assert_eq!([levels[0].fits, levels[1].fits], fits);
    }
    a.gives(2).await;
    b.gives(2).await;
}

/// Each level is that of its demand, after a grant and as found after a denial.
pub async fn levels_come_in_the_order_of_the_demands(store: &dyn RateLimitStore) {
    let cases = [0; 3].map(|_| Case::new(store, slow(10)));
    for (case, taken) in cases.iter().zip([1, 4, 7]) {
        case.take(taken).await;
    }
    for order in ORDERS {
        let demands = order.map(|at| cases[at].demand([10, 6, 4][at]));
        let (granted, levels) = ask(store, &demands).await;
        assert!(!granted, "only the second has enough");
        for (level, at) in levels.iter().zip(order) {
            assert_owed(level.debt, cases[at].quota.time_of([1, 4, 7][at]));
            assert_eq!(level.fits, at == 1, "each level says whether its own demand fits");
        }
    }
    let (granted, levels) = ask(store, &[cases[2].demand(1), cases[0].demand(2)]).await;
    assert!(granted, "both have enough");
    assert_owed(levels[0].debt, cases[2].quota.time_of(8));
    assert_owed(levels[1].debt, cases[0].quota.time_of(3));
}

/// Nine demands are as much one step as two are.
pub async fn many_demands_are_one_step(store: &dyn RateLimitStore) {
    let cases = [0; 9].map(|_| Case::new(store, slow(2)));
    let demands: Vec<Demand<'_>> = cases.iter().map(|case| case.demand(1)).collect();
    assert!(ask(store, &demands).await.0, "all nine fit");
    cases[8].take(1).await;
    let (granted, levels) = ask(store, &demands).await;
    assert!(!granted, "the last does not fit");
    let fits: Vec<bool> = levels.iter().map(|level| level.fits).collect();
    assert_eq!(fits, [[true; 8].as_slice(), &[false]].concat());
    for case in &cases[..8] {
        case.gives(1).await;
    }
}

fn fits(levels: &[Level]) -> Vec<bool> {
    levels.iter().map(|level| level.fits).collect()
}

/// A shadow that does not fit is not charged and denies nobody.
pub async fn a_shadow_does_not_deny(store: &dyn RateLimitStore) {
    let [real, watched] = [0; 2].map(|_| Case::new(store, slow(3)));
    watched.take(2).await;
    for (cost, shadow_first) in [(2, true), (4, false)] {
        let shadow = watched.demand(cost).shadow(true);
        let mut demands = [real.demand(1), shadow];
        demands.rotate_left(usize::from(shadow_first));
        let (granted, levels) = ask(store, &demands).await;
        assert!(granted, "a shadow has no say");
        assert_eq!(fits(&levels), [!shadow_first, shadow_first]);
        assert_owed(levels[usize::from(!shadow_first)].debt, watched.quota.time_of(2));
    }
    real.gives(1).await;
    watched.gives(1).await;
}

/// A shadow that fits is charged together with what it watches.
pub async fn a_shadow_is_charged_with_the_others(store: &dyn RateLimitStore) {
    let [real, watched] = [0; 2].map(|_| Case::new(store, slow(3)));
    let (granted, levels) = ask(store, &[watched.demand(2).shadow(true), real.demand(1)]).await;
    assert!(granted);
    assert_eq!(fits(&levels), [true, true]);
    assert_owed(levels[0].debt, watched.quota.time_of(2));
    watched.gives(1).await;
    real.gives(2).await;
}

/// A shadow is not charged when the others are denied, and is told whether it would have fitted.
pub async fn a_shadow_is_not_charged_for_a_denial(store: &dyn RateLimitStore) {
    let [real, watched] = [0; 2].map(|_| Case::new(store, slow(3)));
    let (granted, levels) = ask(store, &[real.demand(4), watched.demand(2).shadow(true)]).await;
    assert!(!granted);
    assert_eq!(fits(&levels), [false, true]);
    assert_eq!(levels[1].debt, Span::ZERO, "a shadow is not charged for a denial");
    watched.gives(3).await;
    real.gives(3).await;
}

/// Where all only watch, nobody denies; each that fits is charged.
pub async fn shadows_alone_are_granted(store: &dyn RateLimitStore) {
    let [a, b] = [0; 2].map(|_| Case::new(store, slow(3)));
    let (granted, levels) = ask(store, &[a.demand(4).shadow(true), b.demand(2).shadow(true)]).await;
    assert!(granted, "nobody is there to deny");
    assert_eq!(fits(&levels), [false, true]);
    a.gives(3).await;
    b.gives(1).await;
}
