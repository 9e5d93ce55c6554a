//! What a join costs, whoever else is there.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod network;

use std::time::Duration;

use network::{ALL, Network};
use vestibule_media::Source;

const PICTURE: &[u8] = &[0x10, 0x01, 0xcc, 0xdd];

#[test]
fn the_fifty_first_costs_no_more_than_the_eleventh_and_nobody_hears_of_it() {
    let mut network = Network::new();
    let mut costs = Vec::new();
    for number in 0..51 {
        let before = network.transmits;
        let told: usize = network.clients.iter().map(|c| c.messages.len()).sum();
        let index = network.connect(&format!("p{number}"), ALL);
        costs.push(network.transmits - before);
        let now: usize = network.clients[..index]
            .iter()
            .map(|c| c.messages.len())
            .sum();
        assert_eq!(now, told, "nobody else is told anything");
    }
    assert!(costs[50] < costs[10] * 3, "{costs:?}");
    // The first ones have their cameras in all slots there are; those of the others change nothing.
    let film = |network: &mut Network, who: std::ops::Range<usize>| {
        for index in who {
            network.clients[index].send(network.now, Source::Camera, PICTURE, 0);
        }
        network.run(Duration::from_millis(200));
    };
    film(&mut network, 0..10);
    let told: Vec<usize> = network.clients.iter().map(|c| c.messages.len()).collect();
    film(&mut network, 10..51);
    let after: Vec<usize> = network.clients.iter().map(|c| c.messages.len()).collect();
    assert_eq!(told, after);
}
