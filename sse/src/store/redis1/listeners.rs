//! Who listens to which channel. Pure.

use std::collections::HashMap;

use crate::store::{Announced, Announcer};

#[derive(Default)]
pub(super) struct Listeners(HashMap<String, Vec<Announcer>>);

impl Listeners {
    pub(super) fn add(&mut self, channel: String, listener: Announcer) {
        self.0.entry(channel).or_default().push(listener);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, channel: &str) -> bool {
        self.0.contains_key(channel)
    }

    pub(super) fn channels(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Tells all who listen to a channel.
    pub(super) fn tell(&self, channel: &str, told: &Announced) {
        for listener in self.0.get(channel).into_iter().flatten() {
            listener.tell(told.clone());
        }
    }

    /// Tells all that they may have missed something.
    pub(super) fn lapse(&self) {
        for listener in self.0.values().flatten() {
            listener.tell(Announced::Lapse);
        }
    }

    /// Forgets who has gone. The channels to which nobody listens any more.
    pub(super) fn tidy(&mut self) -> Vec<String> {
        let is_deserted = |_: &String, listeners: &mut Vec<Announcer>| {
            listeners.retain(Announcer::is_heard);
            listeners.is_empty()
        };
        self.0.extract_if(is_deserted).map(|(channel, _)| channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Announcements;

    #[tokio::test]
    async fn each_is_told_of_its_channel_as_long_as_it_listens() {
        let mut listeners = Listeners::default();
        let mut add = |channel: &str| {
            let (announcer, announcements) = Announcements::channel(2);
            listeners.add(channel.to_owned(), announcer);
            announcements
        };
        let (mut a, other_a, b) = (add("a"), add("a"), add("b"));
        listeners.tell("a", &Announced::Lapse);
        listeners.tell("nobody's", &Announced::Lapse);
        assert_eq!(a.next().await, Some(Announced::Lapse));
        assert_eq!(format!("{b:?}"), "Announcements { told: 0, .. }");
        listeners.lapse();
        assert_eq!(format!("{a:?} {b:?}").matches("told: 1").count(), 2);
        drop((other_a, b));
        assert_eq!(listeners.tidy(), ["b"]);
        assert!(listeners.has("a") && !listeners.has("b") && !listeners.is_empty());
        assert_eq!(listeners.channels(), ["a"]);
        drop(a);
        assert_eq!(listeners.tidy(), ["a"]);
        assert!(listeners.is_empty());
    }
}
