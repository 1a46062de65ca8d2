//go:build bench

package bench_test

import (
	"testing"
	"time"
)

// nameStart is the row that the history keeps.
const nameStart = "start: version"

// startRounds is how often a program is started within one round: the shortest
// time counts, as everywhere.
const startRounds = 50

// startTarget is the longest that a program may take that has nothing to do.
const startTarget = 30 * time.Millisecond

// startJobs measure how long a program takes that has nothing to do.
func startJobs() []job {
	of := func(name, peerName string, ours, theirs []string) job {
		return job{name: name, peer: peerName, unit: "ms", most: startTarget, prepare: func(t *testing.T) (_, _ func(t *testing.T) jobTime) {
			w := newWorkshop(t)
			return func(t *testing.T) jobTime {
					return shortest(func() jobTime { return w.ours(t, ours...) })
				}, func(t *testing.T) jobTime {
					return shortest(func() jobTime { return w.openssl(t, theirs...) })
				}
		}}
	}
	return []job{
		of(nameStart, "openssl version", []string{"--version"}, []string{"version"}),
		of("start: help", "openssl help", []string{"--help"}, []string{"help"}),
		{name: "sign one small file", peer: "openssl cms -sign", unit: "ms", most: startTarget, prepare: func(t *testing.T) (_, _ func(t *testing.T) jobTime) {
			return small(t, prepareSign(false))
		}},
		{name: "verify one small file", peer: "openssl cms -verify", unit: "ms", most: startTarget, prepare: func(t *testing.T) (_, _ func(t *testing.T) jobTime) {
			return small(t, prepareVerify)
		}},
	}
}

// small makes another job's file short and repeats it.
func small(t *testing.T, prepare func(t *testing.T) (_, _ func(t *testing.T) jobTime)) (ours, theirs func(t *testing.T) jobTime) {
	t.Helper()
	size := *fileSize
	*fileSize = 1000
	defer func() { *fileSize = size }()
	we, they := prepare(t)
	return func(t *testing.T) jobTime { return shortest(func() jobTime { return we(t) }) },
		func(t *testing.T) jobTime { return shortest(func() jobTime { return they(t) }) }
}

func shortest(run func() jobTime) (least jobTime) {
	for range startRounds {
		least.best(run())
	}
	return least
}
