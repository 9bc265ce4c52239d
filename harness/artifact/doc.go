// Package artifact makes, from this module's own source, everything a run puts
// into a pod: the static binaries of probe, reference gateway and wrong gateway,
// and the container images that hold them.
//
// An image is described by a recipe, a small YAML file (see fixtures/images),
// and assembled in memory: no builder, nothing pulled, and the same inputs give
// the same image ID on every machine, because times are fixed and entries
// sorted.
//
//	root, err := artifact.FindRoot()
//	bins, err := artifact.Build(ctx, root, func(step string) { log.Print(step) })
//	recipe, err := artifact.LoadRecipe("fixtures/images/reference.yaml")
//	image, err := artifact.Assemble(recipe, bins)
//
// It imports yamlfile and knows no container engine; loading an
// image into one is the docker runtime's.
package artifact
