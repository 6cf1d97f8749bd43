/* The C side of sluice-dpdk-sys: what bindgen reads.
 *
 * DPDK's packet path is made of static inlines, which have no symbol to bind; the functions below give them
 * one. Each serves a whole burst. The structs hide what differs between DPDK releases.
 */
#ifndef SLUICE_SHIM_H
#define SLUICE_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

/* The first cache line of struct rte_mbuf, as plain fields: bindgen cannot read the original well (zero-size
 * markers, unions of bit fields), and newer releases nest it differently. shim.c asserts every offset. */
struct sluice_mbuf {
	void *buf_addr;
	uint64_t reserved_iova;
	uint16_t data_off;
	uint16_t refcnt;
	uint16_t nb_segs;
	uint16_t port;
	uint64_t ol_flags;
	uint32_t packet_type;
	uint32_t pkt_len;
	uint16_t data_len;
	uint16_t vlan_tci;
	uint32_t reserved_hash[2];
	uint16_t vlan_tci_outer;
	uint16_t buf_len;
	struct rte_mempool *pool;
};

struct sluice_link {
	uint32_t speed_mbps; /* UINT32_MAX: unknown */
	uint8_t up;
	uint8_t full_duplex;
};

/* Receive-side scaling over the IP addresses and TCP/UDP ports. */
extern const uint64_t sluice_rss_ip_ports;

uint16_t sluice_rx_burst(uint16_t port, uint16_t queue, struct sluice_mbuf **mbufs, uint16_t count);
uint16_t sluice_tx_burst(uint16_t port, uint16_t queue, struct sluice_mbuf **mbufs, uint16_t count);

/* All `count` or none: 0, or a negative errno. */
int sluice_mbuf_alloc_bulk(struct rte_mempool *pool, struct sluice_mbuf **mbufs, uint32_t count);
void sluice_mbuf_free_bulk(struct sluice_mbuf **mbufs, uint32_t count);
/* Frees all segments but the first and makes the mbuf empty, with the default headroom. */
void sluice_mbuf_reset(struct sluice_mbuf *mbuf);
/* Segment `index` of a chain (0 is the mbuf itself), or NULL. */
const struct sluice_mbuf *sluice_mbuf_segment(const struct sluice_mbuf *mbuf, uint32_t index);

uint64_t sluice_tsc(void);

/* The calling thread's rte_errno. */
int sluice_errno(void);
/* Whether the calling thread has an lcore id, and so a mempool cache. */
int sluice_thread_is_registered(void);

/* Asks the buses whose device `devargs` names. 0: its name in canonical form is in `name`; negative: no driver
 * of this DPDK knows such a name, or the string cannot be parsed. */
int sluice_device_name(const char *devargs, char *name, size_t size);

/* Writes up to `max` ids of the ports that `devargs` names; how many there are. */
uint16_t sluice_eth_matching(const char *devargs, uint16_t *ports, uint16_t max);
int sluice_eth_link(uint16_t port, struct sluice_link *link);

/* Sends DPDK's log to `sink`, one call a message (not NUL-terminated), on the thread that logs. */
typedef void (*sluice_log_sink)(uint32_t level, const char *text, size_t len);
int sluice_log_capture(sluice_log_sink sink);

#endif
