//! Executions for real, in every mode that this machine and user allow.
//!
//! As root, the suite also runs as an ordinary user without and with subordinate ids.

// The lints know tests by `#[test]`, which a harness of one's own does not use.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::exit
)]

mod calls;
mod execution;
mod handlers;
mod isolation;
mod latency;
mod lifecycle;
mod limits;
mod mounts;
mod network;
mod ordinary;
mod probes;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::Bench;

/// A trial per mode for each test function.
macro_rules! trials {
    ($($module:ident :: { $($test:ident),* $(,)? })*) => {{
        let mut trials = Vec::new();
        for (mode, privilege) in support::modes() {
            $($({
                let privilege = privilege.clone();
                let name = concat!(stringify!($module), "::", stringify!($test));
                trials.push(Trial::test(format!("{mode}::{name}"), move || {
                    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
                    runtime.block_on(support::in_time($module::$test(Bench::new(mode, privilege))))
                }));
            })*)*
        }
        trials
    }};
}

fn main() -> ExitCode {
    ci_sandbox::init(handlers::HANDLERS);
    let words: Vec<String> = std::env::args().collect();
    if let [_, flag, mode, marker] = words.as_slice()
        && flag == "--victim"
    {
        lifecycle::victim(mode, marker);
    }
    if let [_, flag, mode] = words.as_slice()
        && flag == "--victim-of-limits"
    {
        limits::victim(mode);
    }
    if words.iter().any(|word| word == "--intruder") {
        isolation::intruder();
    }
    if words.get(1).is_some_and(|word| word == calls::CALLS) {
        calls::make();
    }
    let arguments = Arguments::from_args();
    if support::busybox().is_none() {
        println!(
            "skipped: the images are made of busybox, which is not installed (busybox-static)"
        );
        return ExitCode::SUCCESS;
    }
    let mut trials = trials![
        execution::{
            output_and_exit_code_come_back,
            a_signal_is_told_from_an_exit_code,
            the_environment_is_what_was_asked_for,
            the_user_is_who_was_asked_for,
            supplementary_groups_are_set,
            root_may_give_files_away,
            the_masks_and_limits_of_the_caller_do_not_matter,
            standard_input_is_empty_or_given,
            a_missing_working_directory_is_made,
            a_missing_working_directory_is_its_users,
            the_time_limit_ends_it,
            a_missing_command_is_127_and_named,
            what_is_no_program_is_126,
            a_missing_interpreter_is_named,
            a_refused_step_is_named_with_its_reason,
        }
        mounts::{
            changes_are_in_the_upper_directory,
            a_whole_stack_of_layers_is_merged,
            more_layers_than_the_kernel_merges_are_refused,
            a_long_path_with_odd_names_is_no_obstacle,
            writes_can_be_forbidden_or_forgotten,
            an_empty_image_can_run_what_is_mounted,
            e3_missing_mount_points_leave_no_trace,
            what_is_written_beside_a_mount_point_is_kept,
            directories_around_a_mount_point_keep_their_metadata,
            the_root_directory_has_the_mode_of_the_image,
            a_bind_is_writable_unless_read_only,
            e2_e4_a_part_does_not_lead_out_of_the_whole,
            e2_a_part_that_is_swapped_for_a_link_never_leads_out,
            e2_a_mount_point_in_a_shared_volume_is_made_by_several_at_once,
            e3_a_link_in_a_volume_does_not_lead_a_mount_out,
            e8_a_mount_point_that_is_swapped_for_a_link_stays_inside,
            other_layers_can_be_mounted_and_are_not_changed,
            s1_a_secret_is_a_file_in_memory,
            a_secret_is_readable_by_the_user_it_is_for,
            a_file_in_memory_is_a_program_if_its_mode_says_so,
            e3_a_link_in_the_image_does_not_lead_a_mount_out,
            l11_a_mount_follows_links_inside_the_image,
            a_file_is_not_mounted_on_a_directory,
            names_are_resolved_without_a_trace,
            the_hosts_of_the_host_are_known_on_its_network,
            nothing_is_mounted_on_the_host,
        }
        isolation::{
            root_has_the_default_capabilities_and_no_more,
            another_user_has_no_capabilities,
            there_is_nothing_to_mount,
            e8_proc_is_masked_and_read_only_where_it_is_the_hosts,
            only_its_own_processes_are_there,
            the_init_is_out_of_reach,
            no_descriptor_of_the_host_is_open,
            e1_a_working_directory_does_not_lead_out,
            e8_a_proc_that_is_a_link_is_refused,
            e8_devices_are_the_hosts_whatever_the_image_says,
            output_can_be_opened_by_name_by_any_user,
            the_host_name_is_its_own,
            a_network_of_its_own_has_only_loopback,
            a_device_file_of_the_image_is_inert,
            our_own_program_cannot_be_overwritten,
        }
        lifecycle::{
            e12_a_background_process_does_not_hold_the_output,
            orphans_are_reaped,
            a_signal_reaches_the_command,
            e12_what_ignores_sigterm_is_killed_after_the_grace,
            a_kill_ends_everything,
            dropping_it_kills_it,
            a_dropped_start_leaves_nothing,
            many_run_at_once,
            c6_sigkill_of_the_engine_ends_its_executions,
        }
        calls::{
            what_containers_do_not_need_is_refused,
            the_filter_is_there_whatever_else_is_asked_for,
            a_32_bit_program_is_refused_the_same,
        }
        limits::{
            e12_memory_that_exceeds_the_limit_is_told,
            e12_what_goes_on_after_running_out_of_memory_has_failed,
            e12_a_fork_bomb_is_stopped,
            many_processes_one_after_another_are_within_the_limit,
            the_time_limit_ends_everything_and_tells_what_was_running,
            names_of_what_was_running_hold_no_control_characters,
            a_sigkill_from_elsewhere_is_a_signal,
            a_command_cannot_lift_its_limits,
            groups_are_removed_after_each_execution_and_by_the_next_run_after_a_kill,
        }
        network::{
            a_port_inside_is_reached_from_outside,
            a_port_nobody_listens_on_is_refused,
            another_execution_can_join_the_network,
            the_hosts_network_is_nobodys_to_join,
        }
        handlers::{
            calls_come_back_large_and_many,
            a_failure_or_panic_is_the_calls_own,
            a_dead_helper_is_an_error_and_replaced,
            destructors_of_tasks_may_call, handlers_are_root_inside,
            layers_are_merged_for_handlers_too,
        }
        probes::{
            a_machine_that_runs_executions_misses_nothing,
            a_file_system_that_cannot_hold_layers_is_found,
        }
        latency::{
            an_execution_of_true_takes_a_few_milliseconds,
            limits_cost_a_fraction_of_that,
        }
    ];
    trials.extend(ordinary::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
