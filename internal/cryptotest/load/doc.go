// Package load presses the verification service as it is shipped: the program
// runs as a process of its own, and the tests send it what portals, careless
// people and hostile ones send, check every answer, and look at the memory and
// the descriptors of the process. It has nothing but tests.
package load
