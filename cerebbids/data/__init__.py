"""Files that travel with the package: label tables, model bundles, report template."""
