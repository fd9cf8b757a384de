//! The kill sweep on the shipped programs: each operation is repeated with one of its processes killed at each system
//! call that changes something ([`tests::strace`]). After each kill the next commands must work, `system check
//! --repair` must leave nothing to say, no container and no image may be lost, and the census must be as before.
//!
//! `./test` tries a sample of the points, another one for each commit; the long tier tries them all.

mod bench;
mod container_operations;
mod image_operations;
mod more_operations;
mod network_operations;
mod strike;
mod sweep;

use bench::{Bench, Operation};
use sweep::{Extent, sweep};
use tests::isolated;
use tests::isolation::isolated_long;

/// A test of a sample, and one of all points.
macro_rules! swept {
    ($($operation:path: $sample:ident, $all:ident;)*) => {
        $(
            #[test]
            fn $sample() {
                isolated(|sampan| sweep(sampan, &$operation, Extent::Sample));
            }

            #[test]
            #[ignore = "long: every point"]
            fn $all() {
                isolated_long(|sampan| sweep(sampan, &$operation, Extent::All));
            }
        )*
    };
}

swept! {
    container_operations::RUN: run_sample, run_every_point;
    container_operations::RUN_BRIDGE: run_bridge_sample, run_bridge_every_point;
    container_operations::RUN_DETACHED: run_detached_sample, run_detached_every_point;
    container_operations::RUN_TERMINAL: run_terminal_sample, run_terminal_every_point;
    container_operations::STOP: stop_sample, stop_every_point;
    container_operations::REMOVE: remove_sample, remove_every_point;
    container_operations::EXEC: exec_sample, exec_every_point;
    network_operations::CREATE: network_create_sample, network_create_every_point;
    network_operations::REMOVE: network_rm_sample, network_rm_every_point;
    network_operations::RUN: run_network_sample, run_network_every_point;
    network_operations::CONNECT: network_connect_sample, network_connect_every_point;
    network_operations::DISCONNECT: network_disconnect_sample, network_disconnect_every_point;
    image_operations::IMPORT: import_sample, import_every_point;
    image_operations::LOAD: load_sample, load_every_point;
    image_operations::PULL: pull_sample, pull_every_point;
    image_operations::REMOVE_IMAGE: rmi_sample, rmi_every_point;
    image_operations::TAG: tag_sample, tag_every_point;
    more_operations::CREATE: create_sample, create_every_point;
    more_operations::START: start_sample, start_every_point;
    more_operations::RESTART: restart_sample, restart_every_point;
    more_operations::RESTART_BY_POLICY: policy_sample, policy_every_point;
    more_operations::KILL: kill_sample, kill_every_point;
    more_operations::PAUSE: pause_sample, pause_every_point;
    more_operations::UNPAUSE: unpause_sample, unpause_every_point;
    more_operations::RENAME: rename_sample, rename_every_point;
    more_operations::VOLUME_CREATE: volume_create_sample, volume_create_every_point;
    more_operations::VOLUME_REMOVE: volume_remove_sample, volume_remove_every_point;
    more_operations::PRUNE: prune_sample, prune_every_point;
}
