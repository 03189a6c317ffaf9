//! Loading what is planned at once: source listings connected by recipes, with all their targets (Y5).
//!
//! Everything is read in sets, so the cost is that of what changed, whatever else the state holds.

use std::collections::{BTreeMap, BTreeSet};

use super::value::numbers;
use super::{Result, Tx};
use crate::domain::unpaid::claimed;
use crate::domain::{
    Changes, Component, Delta, Intent, Known, Line, LineId, Link, ListingId, Portion, SourceFacts, TargetFacts,
};

impl Tx<'_> {
    /// Returns the components that the given listings belong to, sources or targets, each once, in a steady order.
    pub fn components(&self, seeds: &[ListingId]) -> Result<Vec<Component>> {
        let pairs = self.connected(seeds)?;
        let groups = group(seeds, &pairs);
        let lost = self.lost()?;
        let to_send = seeds.iter().map(|id| id.0).filter(|id| lost.contains_key(id));
        let sources: BTreeSet<i64> =
            pairs.iter().map(|(_, source)| *source).chain(self.only_sources(seeds)?).chain(to_send).collect();
        let targets: BTreeSet<i64> = pairs.iter().map(|(target, _)| *target).collect();
        self.load(&groups, &sources, &targets, &lost)
    }

    /// Follows open links from the seeds until nothing new is found: pairs of target and source.
    fn connected(&self, seeds: &[ListingId]) -> Result<BTreeSet<(i64, i64)>> {
        let from_targets = "SELECT link.listing, part.source FROM link JOIN part ON part.link = link.id
            WHERE link.closed IS NULL AND link.listing IN (SELECT value FROM json_each(?1))";
        let from_sources = "SELECT link.listing, part.source FROM part JOIN link ON link.id = part.link
            WHERE link.closed IS NULL AND part.source IN (SELECT value FROM json_each(?1))";
        let mut pairs = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut new: BTreeSet<i64> = seeds.iter().map(|id| id.0).collect();
        while !new.is_empty() {
            let ids = numbers(new.iter().copied());
            seen.append(&mut new);
            for sql in [from_targets, from_sources] {
                let mut query = self.connection.prepare_cached(sql)?;
                let mut rows = query.query([&ids])?;
                while let Some(row) = rows.next()? {
                    let pair: (i64, i64) = (row.get(0)?, row.get(1)?);
                    new.extend([pair.0, pair.1].into_iter().filter(|id| !seen.contains(id)));
                    pairs.insert(pair);
                }
            }
        }
        Ok(pairs)
    }

    /// Returns the seeds that lines owe to: a source listing whose links are all closed may still have to be settled
    /// (W7).
    fn only_sources(&self, seeds: &[ListingId]) -> Result<Vec<i64>> {
        let sql =
            "SELECT DISTINCT source FROM share WHERE owed <> applied AND source IN (SELECT value FROM json_each(?1))";
        let ids = self.ids(sql, [numbers(seeds.iter().map(|id| id.0))])?;
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    fn load(
        &self,
        groups: &BTreeMap<i64, i64>,
        sources: &BTreeSet<i64>,
        targets: &BTreeSet<i64>,
        lost: &BTreeMap<i64, Delta>,
    ) -> Result<Vec<Component>> {
        let mut links = by(self.links_of_all(targets.iter().copied())?, |link: &Link| link.listing.0);
        let mut owing = BTreeMap::<i64, Vec<Line>>::new();
        for line in self.owing_to(sources.iter().copied())? {
            for share in line.shares.iter().filter(|share| sources.contains(&share.source.0)) {
                owing.entry(share.source.0).or_default().push(line.clone());
            }
        }
        let mut own = by(self.own_of(sources.iter().copied())?, |line: &Line| line.listing.map_or(0, |id| id.0));
        let mut intents = by(self.unfinished_of_all(sources.iter().copied())?, |intent: &Intent| intent.listing.0);
        let mut held = self.held_of(targets.iter().copied())?;
        let mut components = BTreeMap::<i64, Component>::new();
        for known in self.known_of(sources.iter().copied())? {
            let id = known.id.0;
            let component = components.entry(group_of(groups, id)).or_default();
            let owing = owing.remove(&id).unwrap_or_default();
            let took = if known.listing.places.is_empty() { Vec::new() } else { self.took_for(known.id, &owing)? };
            component.sources.push(SourceFacts {
                known,
                owing,
                took,
                own: own.remove(&id).unwrap_or_default(),
                intents: intents.remove(&id).unwrap_or_default(),
                unpaid: 0,
                lost: lost.get(&id).copied().unwrap_or(Delta(0)),
            });
        }
        for known in self.known_of(targets.iter().copied())? {
            let id = known.id.0;
            let component = components.entry(group_of(groups, id)).or_default();
            let links = links.remove(&id).unwrap_or_default();
            component.targets.push(TargetFacts {
                known,
                links,
                held: held.remove(&id).unwrap_or_default(),
                changed: Changes::default(),
            });
        }
        for component in components.values_mut() {
            sort(component);
            let unpaid: Vec<i64> = component.sources.iter().map(|source| claimed(component, source.known.id)).collect();
            component.sources.iter_mut().zip(unpaid).for_each(|(source, units)| source.unpaid = units);
        }
        Ok(components.into_values().collect())
    }

    /// Returns where what lines are to give back to a source listing was taken off.
    fn took_for(&self, source: ListingId, owing: &[Line]) -> Result<Vec<Portion>> {
        let back: Vec<LineId> =
            owing.iter().filter(|line| line.open_units(source) < 0).filter_map(|line| line.id).collect();
        if back.is_empty() { Ok(Vec::new()) } else { self.took(source, back) }
    }
}

fn sort(component: &mut Component) {
    let id = |known: &Known| known.id;
    component.sources.sort_by_key(|source| id(&source.known));
    component.targets.sort_by_key(|target| id(&target.known));
}

fn by<T>(items: Vec<T>, key: impl Fn(&T) -> i64) -> BTreeMap<i64, Vec<T>> {
    let mut map = BTreeMap::<i64, Vec<T>>::new();
    for item in items {
        map.entry(key(&item)).or_default().push(item);
    }
    map
}

/// Tells for each listing which group it belongs to: the smallest number in it.
fn group(seeds: &[ListingId], pairs: &BTreeSet<(i64, i64)>) -> BTreeMap<i64, i64> {
    let mut parents: BTreeMap<i64, i64> = seeds.iter().map(|id| (id.0, id.0)).collect();
    for (target, source) in pairs {
        let (a, b) = (root(&mut parents, *target), root(&mut parents, *source));
        let (low, high) = (a.min(b), a.max(b));
        parents.insert(high, low);
    }
    let ids: Vec<i64> = parents.keys().copied().collect();
    ids.into_iter().map(|id| (id, root(&mut parents, id))).collect()
}

fn root(parents: &mut BTreeMap<i64, i64>, id: i64) -> i64 {
    let mut at = id;
    while let Some(parent) = parents.get(&at).copied().filter(|parent| *parent != at) {
        at = parent;
    }
    parents.insert(id, at);
    parents.insert(at, at);
    at
}

fn group_of(groups: &BTreeMap<i64, i64>, id: i64) -> i64 {
    groups.get(&id).copied().unwrap_or(id)
}
