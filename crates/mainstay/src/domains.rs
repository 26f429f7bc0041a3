//! The one list of domains, in reading order.

use kernel::{Registry, Result};
use server::Site;

/// Every domain with its pages.
pub fn all() -> Vec<web::domain::Domain> {
    vec![
        people::domain(),
        assets::domain(),
        desk::domain(),
        monitor::domain(),
        fleet::domain(),
        runbooks::domain(),
        paging::domain(),
    ]
}

/// What the kernel needs of them, its own domain first.
pub fn kernels() -> Vec<kernel::Domain> {
    split().0
}

/// The kernel's half and the half that people see.
pub fn split() -> (Vec<kernel::Domain>, Site) {
    let (mut kernels, mut site) = (vec![kernel::domain()], Site::default());
    for domain in all() {
        kernels.push(domain.kernel);
        site.pages.extend(domain.pages);
        site.doors.extend(domain.doors);
        site.panels.extend(domain.panels);
        site.nav.extend(domain.nav);
        site.creates.extend(domain.creates);
        site.figures.extend(domain.figures);
        site.families.extend(domain.families);
    }
    site.pages.extend(server::own_pages());
    site.nav.extend(server::own_places());
    (kernels, site)
}

/// The declarations alone, without a database: for the command line and the reference.
pub fn registry() -> Result<Registry> {
    Registry::new(kernels())
}
