package config

// layer is a source of configuration values. A higher layer overrides a lower layer.
type layer uint8

const (
	builtIn layer = iota // the lowest layer
	hostFile
	overlayFile
	environmentVariables
	planOfHostFile // plans of the host file; all plans are merged on top of the defaults of every layer
	planOfOverlay
	planOfEnvironment
	tenantLayer
	ownLayer
)

// isTenants reports whether the layer is one of the tenant's documents.
func (l layer) isTenants() bool { return l == tenantLayer || l == ownLayer }

// String returns the name of the layer in messages and in the output of explain.
func (l layer) String() string {
	return [...]string{"built-in defaults", "host file", "overlay file", "environment", "plan", "plan", "plan", "tenant", "tenant's own settings"}[l]
}

// source is one document and the layer to which it belongs.
type source struct {
	layer layer
	doc   *Document
}
