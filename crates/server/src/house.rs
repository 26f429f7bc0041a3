//! Pages for what the kernel itself keeps: approvals, audit, settings. They belong to no domain.

mod approvals;
mod audit;
mod jobs;
mod notifications;
mod settings;

use web::domain::{Group, Place};
use web::page::Page;

/// The pages, for the one list of domains to join.
pub fn own_pages() -> Vec<Page> {
    vec![
        Page::console("/approvals", "kernel.approval.list", approvals::list),
        Page::console("/approvals/{id}", "kernel.approval.show", approvals::show),
        Page::console("/audit", "kernel.audit.list", audit::list),
        Page::console("/audit/{id}", "kernel.audit.show", audit::show),
        Page::console("/notifications", "kernel.notification.list", notifications::list),
        Page::console("/notifications/{id}", "kernel.notification.show", notifications::show),
        Page::console("/jobs", "kernel.job.list", jobs::list),
        Page::console("/settings", "kernel.setting.list", settings::list),
        Page::console("/settings/{key}", "kernel.setting.show", settings::show),
    ]
}

/// Their places in the navigation.
pub fn own_places() -> Vec<Place> {
    vec![
        Place {
            group: Group::Protect,
            label: "Approvals",
            icon: "check",
            href: "/approvals",
            grant: "kernel.approval.list",
        },
        Place {
            group: Group::Foot,
            label: "Notifications",
            icon: "bell",
            href: "/notifications",
            grant: "kernel.notification.list",
        },
        Place { group: Group::Foot, label: "Background work", icon: "clock", href: "/jobs", grant: "kernel.job.list" },
        Place { group: Group::Foot, label: "Audit", icon: "book", href: "/audit", grant: "kernel.audit.list" },
        Place {
            group: Group::Foot,
            label: "Settings",
            icon: "settings",
            href: "/settings",
            grant: "kernel.setting.list",
        },
    ]
}
