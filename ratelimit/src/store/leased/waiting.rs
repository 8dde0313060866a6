use std::collections::BTreeMap;

/// The costs of those who wait for tokens of one bucket.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// How many wait for each cost. Few costs are in use at once, whatever the number who wait.
    costs: BTreeMap<u32, usize>,
    sum: u64,
    count: usize,
}

impl Waiting {
    pub(super) fn join(&mut self, cost: u32) {
        *self.costs.entry(cost).or_insert(0) += 1;
        self.sum = self.sum.saturating_add(cost.into());
        self.count += 1;
    }

    pub(super) fn leave(&mut self, cost: u32) {
        let Some(many) = self.costs.get_mut(&cost) else { return };
        *many -= 1;
        if *many == 0 {
            self.costs.remove(&cost);
        }
        self.sum = self.sum.saturating_sub(cost.into());
        self.count -= 1;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What all of them ask for together.
    pub(super) const fn sum(&self) -> u64 {
        self.sum
    }

    /// What the most modest of those lacks for whom so many tokens are too few.
    pub(super) fn least_lack(&self, tokens: u32) -> Option<u32> {
        let above = self.costs.range(tokens.checked_add(1)?..);
        above.map(|(cost, _)| cost - tokens).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_left_is_forgotten() {
        let mut waiting = Waiting::default();
        for cost in [3, 1, 3, 0] {
            waiting.join(cost);
        }
        assert_eq!((waiting.sum(), waiting.least_lack(0)), (7, Some(1)));
        assert_eq!((waiting.least_lack(1), waiting.least_lack(3)), (Some(2), None));
        for cost in [1, 3, 0, 3] {
            assert!(!waiting.is_empty());
            waiting.leave(cost);
        }
        waiting.leave(5);
        assert!(waiting.is_empty() && waiting.sum() == 0);
        assert_eq!(waiting.least_lack(u32::MAX), None);
    }
}
