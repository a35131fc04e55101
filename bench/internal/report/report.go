package report

import (
	"github.com/botyard/botyard/bench/internal/echocall"
	"github.com/botyard/botyard/bench/internal/library"
	"github.com/botyard/botyard/bench/internal/plugincall"
	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/bench/internal/providercall"
)

// Report is the result of a run. Fields of parts that did not run are empty.
type Report struct {
	Machine   Machine               `json:"machine"`
	Quick     bool                  `json:"quick"`
	Turns     []Turns               `json:"turns,omitempty"`
	Open      []Open                `json:"open_loop,omitempty"`
	Echo      []echocall.Row        `json:"echo_calls,omitempty"`
	Plugin    *plugincall.Result    `json:"plugin,omitempty"`
	Providers []providercall.Result `json:"providers,omitempty"`
	Library   *library.Result       `json:"library,omitempty"`
	Memory    []Memory              `json:"memory,omitempty"`
	Messages  []Point               `json:"messages,omitempty"`
	Tenants   []Point               `json:"tenants,omitempty"`
	Storages  []Turns               `json:"storages,omitempty"`
	Registry  []Registry            `json:"registry,omitempty"`
	Depth     []Depth               `json:"depth,omitempty"`
	Counting  *Paired               `json:"counting,omitempty"` // a host with metrics and a host without
	Builds    *Paired               `json:"builds,omitempty"`   // this build and another build
	Profiles  []Profile             `json:"profiles,omitempty"`
	Missing   string                `json:"missing,omitempty"` // reason why parts with Postgres did not run
	Seconds   float64               `json:"seconds"`           // duration of the run
}

// Machine is the machine that the benchmark ran on.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// Names of what is measured, for the field What of Turns and Open.
const (
	Host  = "host"
	Other = "other host"
	Floor = "floor"
	// FloorJoined is a floor that joins tokens to pieces, as a host does. Floor is a floor that sends each
	// token as a piece of its own.
	FloorJoined = "floor, joined"
	OnSQLite    = "host on sqlite"
	OnPostgres  = "host on postgres"
	BarePgx     = "bare pgx"
)

// Turns is the result of a closed loop: the medians of several runs. The runs of all compared subjects
// alternate.
type Turns struct {
	What      string  `json:"what"`
	Tokens    int     `json:"tokens"` // tokens of each reply; replies of more than one token are streamed
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"` // microseconds that a caller waited for a turn
	// CPU is the CPU time in microseconds per turn, by process. The load generator has the name Load.
	CPU map[string]float64 `json:"cpu_us"`
}

// Paired compares the CPU that a turn costs on two hosts. Each pair of short rounds, one round on each
// host, gives a ratio.
type Paired struct {
	Ratio float64 `json:"ratio"` // median of the ratios of all pairs
	Low   float64 `json:"low"`   // Low and High are the 95 % confidence interval of Ratio
	High  float64 `json:"high"`
	Turn  float64 `json:"turn_us"` // median CPU of a turn on the second host, plugins included
	// Hosts has the median ratio of each pair of hosts. The spread of these medians shows by how much two
	// processes of the same binary differ.
	Hosts []float64 `json:"hosts"`
	Pairs []float64 `json:"pairs"`
	CPU   []float64 `json:"-"` // CPU of a turn on the second host, for each pair
}

// Load is the name of the load generator among the processes.
const Load = "load"

// Used returns the sum of the CPU of all processes but the load generator.
func Used(cpu map[string]float64) float64 {
	sum := 0.0
	for name, us := range cpu {
		if name != Load {
			sum += us
		}
	}
	return sum
}

// Open is the result of an open loop of streamed turns. Times are in microseconds and count from the time
// at which a turn should have been sent.
type Open struct {
	What      string    `json:"what"`
	PerSecond float64   `json:"per_second"`
	Turns     int64     `json:"turns"`
	First     Quantiles `json:"first_us"`
	Whole     Quantiles `json:"whole_us"`
	// Late is the delay until the load generator has sent the turn. First and Whole include this delay.
	Late Quantiles `json:"generator_us"`
}

// Quantiles are the quantiles of a histogram.
type Quantiles struct {
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
	P99 int64 `json:"p99"`
}

// Memory is the resident memory of processes at one time.
type Memory struct {
	When      string                   `json:"when"`
	Processes map[string]procfs.Memory `json:"processes"`
}

// Point is one point of a sweep, with the medians of several runs.
type Point struct {
	N         int     `json:"n"`
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"` // microseconds per turn, of the host and its plugins
	Setup     float64 `json:"setup_seconds"`
}

// Profile is what one process allocated per turn during a profile.
type Profile struct {
	Process string  `json:"process"`
	Allocs  float64 `json:"allocs"`
	Bytes   float64 `json:"bytes"`
	GCs     uint32  `json:"gcs"`
	Turns   int64   `json:"turns"`
}
