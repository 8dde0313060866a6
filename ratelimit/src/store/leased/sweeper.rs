use std::sync::Weak;
use std::sync::atomic::Ordering;

use super::engine::Engine;
use crate::store::LeaseStore;

/// Gives back what lies idle, until no pool is left or the store is gone.
pub(super) async fn sweep<S: LeaseStore>(engine: Weak<Engine<S>>) {
    let mut ends = Ends(engine.clone());
    loop {
        let Some(idle) = engine.upgrade().map(|engine| engine.pools.settings.idle) else { return };
        tokio::time::sleep(idle).await;
        let Some(engine) = engine.upgrade() else { return };
        if !sweep_once(&engine) && !goes_on(&engine) {
            // The office is another's now, or nobody's.
            ends.0 = Weak::new();
            return;
        }
    }
}

/// Returns whether any pools are left.
fn sweep_once<S: LeaseStore>(engine: &Engine<S>) -> bool {
    let mut returns = Vec::new();
    let left = match engine.now().checked_sub(engine.pools.settings.idle) {
        Some(before) => engine.pools.sweep(before, &mut returns),
        None => true,
    };
    engine.give_back(returns);
    left
}

/// Gives the office up, and takes it again if a pool was made meanwhile by somebody who still saw
/// it taken.
fn goes_on<S: LeaseStore>(engine: &Engine<S>) -> bool {
    engine.swept.store(false, Ordering::Release);
    engine.pools.len() > 0 && !engine.swept.swap(true, Ordering::AcqRel)
}

/// Lets another task take the office when this one is dropped, with its runtime for instance.
struct Ends<S: LeaseStore>(Weak<Engine<S>>);

impl<S: LeaseStore> Drop for Ends<S> {
    fn drop(&mut self) {
        if let Some(engine) = self.0.upgrade() {
            engine.swept.store(false, Ordering::Release);
        }
    }
}
