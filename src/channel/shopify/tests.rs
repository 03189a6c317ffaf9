//! The documents against Shopify's own schema.

/// Every document, by name.
const DOCUMENTS: &[(&str, &str)] = &[
    ("orders", include_str!("orders.graphql")),
    ("order_lines", include_str!("order_lines.graphql")),
    ("shop", include_str!("shop.graphql")),
    ("catalogue", include_str!("catalogue.graphql")),
    ("catalogue_places", include_str!("catalogue_places.graphql")),
    ("levels", include_str!("levels.graphql")),
    ("levels_places", include_str!("levels_places.graphql")),
    ("changed", include_str!("changed.graphql")),
    ("set", include_str!("set.graphql")),
    ("adjust", include_str!("adjust.graphql")),
    ("item", include_str!("item.graphql")),
    ("publications", include_str!("publications.graphql")),
    ("published", include_str!("published.graphql")),
    ("publish", include_str!("publish.graphql")),
    ("unpublish", include_str!("unpublish.graphql")),
    ("status", include_str!("status.graphql")),
    ("track", include_str!("track.graphql")),
    ("policy", include_str!("policy.graphql")),
    ("activate", include_str!("activate.graphql")),
    ("doctor", include_str!("doctor.graphql")),
    ("trace", include_str!("trace.graphql")),
    ("leave", include_str!("leave.graphql")),
];

#[test]
fn every_document_is_valid_by_shopifys_schema() {
    let Some(specs) = std::env::var_os("EYS_SPECS") else {
        eprintln!("skipped: EYS_SPECS does not name the folder of the platforms' schemas");
        return;
    };
    let path = std::path::Path::new(&specs).join("shopify/admin-2026-10.graphql");
    let schema = apollo_compiler::Schema::parse(std::fs::read_to_string(path).unwrap(), "schema").unwrap();
    let schema = apollo_compiler::validation::Valid::assume_valid(schema);
    for (name, text) in DOCUMENTS {
        apollo_compiler::ExecutableDocument::parse_and_validate(&schema, *text, *name)
            .unwrap_or_else(|errors| panic!("{name}: {}", errors.errors));
    }
}

#[test]
fn every_document_of_the_folder_is_tested() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/channel/shopify");
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let count = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "graphql")).count();
    assert_eq!(count, DOCUMENTS.len());
}
