package ca

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Lists says which revocation lists an authority publishes in a folder, and
// where others read them. Certificates name the list of their partition and its
// delta list there.
type Lists struct {
	// URLs are the addresses of the folder, each ending in "/".
	URLs []string `json:"urls"`
	// Partitions is into how many lists the complete one is cut besides, by
	// serial number; 0 is not at all. A certificate then names the list of its
	// partition, which is that much shorter.
	Partitions int `json:"partitions,omitempty"`
	// PartitionsBefore are the numbers of partitions of former settings:
	// certificates that name those lists still stand.
	PartitionsBefore []int `json:"partitionsBefore,omitempty"`
	// DeltaMinutes is thisUpdate to nextUpdate of delta lists; 0 is none.
	DeltaMinutes int `json:"deltaMinutes,omitempty"`
}

// CompleteList is the name of the complete list in the folder.
const CompleteList = "ca.crl"

// DeltaList is the name of the delta list to the complete one.
const DeltaList = "ca-delta.crl"

// check names the field that cannot be used.
func (l *Lists) check() error {
	if l == nil {
		return nil
	}
	if len(l.URLs) == 0 || len(l.URLs) > limits.ListAddresses {
		return fmt.Errorf("ca: lists.urls: 1 to %d addresses are required", limits.ListAddresses)
	}
	for _, text := range l.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || !strings.HasSuffix(u.Path, "/") || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("ca: lists.urls: %q is not the http or https address of a folder, with / at its end", text)
		}
	}
	if l.DeltaMinutes < 0 || l.DeltaMinutes > 7*24*60 {
		return fmt.Errorf("ca: lists.deltaMinutes: not from 0 to %d", 7*24*60)
	}
	if n := l.Partitions; n != 0 && (n < 2 || n > limits.ListPartitions) {
		return fmt.Errorf("ca: lists.partitions: not 0 and not from 2 to %d", limits.ListPartitions)
	}
	total := l.Partitions
	for _, n := range l.PartitionsBefore {
		if total += n; n < 2 || n > limits.ListPartitions || total > limits.ListPartitions {
			return fmt.Errorf("ca: lists.partitionsBefore: not from 2 to %d together with partitions", limits.ListPartitions)
		}
	}
	return nil
}

// A listScope is the certificates for which one list stands. The zero scope is
// all of them.
type listScope struct{ part, of int }

// scopeOf returns the partition to which a serial number belongs. A serial
// number ends in random octets, so partitions are of about one size.
func scopeOf(s Serial, of int) listScope {
	if of == 0 {
		return listScope{}
	}
	return listScope{int(binary.BigEndian.Uint32(s[SerialSize-4:]) % uint32(of)), of}
}

func (s listScope) has(serial Serial) bool { return s.of == 0 || scopeOf(serial, s.of) == s }

// file is the name of the scope's list. The number of partitions is in it: a
// list of the same name never stands for other certificates than it did.
func (s listScope) file(delta bool) string {
	name := strings.TrimSuffix(CompleteList, ".crl")
	if s.of > 0 {
		name += fmt.Sprintf("-%dof%d", s.part+1, s.of)
	}
	if delta {
		name += "-delta"
	}
	return name + ".crl"
}

// scopes returns the complete scope and all partitions.
func (l *Lists) scopes() []listScope {
	out := []listScope{{}}
	counts := append([]int{l.Partitions}, l.PartitionsBefore...)
	slices.Sort(counts)
	for _, n := range slices.Compact(counts) {
		for k := range n {
			out = append(out, listScope{k, n})
		}
	}
	return out
}

// addresses returns where a list is read.
func (l *Lists) addresses(s listScope, delta bool) []string {
	out := make([]string, 0, len(l.URLs))
	for _, u := range l.URLs {
		out = append(out, u+s.file(delta))
	}
	return out
}

// idp is the critical extension that says for which certificates a partition
// stands: those that name one of its addresses (RFC 5280, section 5.2.5). The
// complete list has none.
func (l *Lists) idp(s listScope) *pki.IssuingDistributionPoint {
	if s.of == 0 {
		return nil
	}
	p := &pki.IssuingDistributionPoint{}
	for _, u := range l.addresses(s, false) {
		p.FullName = append(p.FullName, pki.GeneralName{Kind: pki.URIName, Text: u})
	}
	return p
}

func (l *Lists) deltaValidity() time.Duration { return time.Duration(l.DeltaMinutes) * time.Minute }

// distributionPoints returns the addresses that a certificate names: of the
// lists that it may be on, and of the delta lists to them.
func (s Settings) distributionPoints(serial Serial) (complete, freshest []string) {
	complete = slices.Clone(s.CRLURLs)
	if s.Lists == nil {
		return complete, nil
	}
	scope := scopeOf(serial, s.Lists.Partitions)
	complete = append(s.Lists.addresses(scope, false), complete...)
	if s.Lists.DeltaMinutes > 0 {
		freshest = s.Lists.addresses(scope, true)
	}
	return complete, freshest
}
