#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAME_FIELD(ours, theirs)                                                                                      \
	_Static_assert(offsetof(struct sluice_mbuf, ours) == offsetof(struct rte_mbuf, theirs) &&                     \
			       sizeof(((struct sluice_mbuf *)0)->ours) == sizeof(((struct rte_mbuf *)0)->theirs),     \
		       "struct sluice_mbuf does not match this DPDK's struct rte_mbuf: " #ours)

SAME_FIELD(buf_addr, buf_addr);
SAME_FIELD(data_off, data_off);
SAME_FIELD(refcnt, refcnt);
SAME_FIELD(nb_segs, nb_segs);
SAME_FIELD(port, port);
SAME_FIELD(ol_flags, ol_flags);
SAME_FIELD(packet_type, packet_type);
SAME_FIELD(pkt_len, pkt_len);
SAME_FIELD(data_len, data_len);
SAME_FIELD(vlan_tci, vlan_tci);
SAME_FIELD(vlan_tci_outer, vlan_tci_outer);
SAME_FIELD(buf_len, buf_len);
SAME_FIELD(pool, pool);
_Static_assert(sizeof(struct sluice_mbuf) <= sizeof(struct rte_mbuf), "the view must lie inside the mbuf");

const uint64_t sluice_rss_ip_ports = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

uint16_t sluice_rx_burst(uint16_t port, uint16_t queue, struct sluice_mbuf **mbufs, uint16_t count)
{
	return rte_eth_rx_burst(port, queue, (struct rte_mbuf **)mbufs, count);
}

uint16_t sluice_tx_burst(uint16_t port, uint16_t queue, struct sluice_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_burst(port, queue, (struct rte_mbuf **)mbufs, count);
}

/* rte_pktmbuf_alloc_bulk without its writes to the second cache line: mbufs in a pool have no next segment
 * (rte_mbuf_raw_alloc's contract), and tx_offload only counts with a flag in ol_flags. */
int sluice_mbuf_alloc_bulk(struct rte_mempool *pool, struct sluice_mbuf **mbufs, uint32_t count)
{
	int result = rte_mempool_get_bulk(pool, (void **)mbufs, count);
	uint32_t i;

	if (unlikely(result != 0))
		return result;
	for (i = 0; i < count; i++) {
		struct sluice_mbuf *m = mbufs[i];

		m->data_off = RTE_PKTMBUF_HEADROOM;
		m->refcnt = 1;
		m->nb_segs = 1;
		m->port = RTE_MBUF_PORT_INVALID;
		m->ol_flags = 0;
		m->packet_type = 0;
		m->pkt_len = 0;
		m->data_len = 0;
		m->vlan_tci = 0;
	}
	return 0;
}

void sluice_mbuf_free_bulk(struct sluice_mbuf **mbufs, uint32_t count)
{
	rte_pktmbuf_free_bulk((struct rte_mbuf **)mbufs, count);
}

void sluice_mbuf_reset(struct sluice_mbuf *mbuf)
{
	struct rte_mbuf *m = (struct rte_mbuf *)mbuf;

	rte_pktmbuf_free(m->next); /* NULL is allowed */
	rte_pktmbuf_reset(m);
}

const struct sluice_mbuf *sluice_mbuf_segment(const struct sluice_mbuf *mbuf, uint32_t index)
{
	const struct rte_mbuf *m = (const struct rte_mbuf *)mbuf;

	while (m != NULL && index-- > 0)
		m = m->next;
	return (const struct sluice_mbuf *)m;
}

uint64_t sluice_tsc(void)
{
	return rte_rdtsc();
}

int sluice_errno(void)
{
	return rte_errno;
}

int sluice_thread_is_registered(void)
{
	return rte_lcore_id() != LCORE_ID_ANY;
}

int sluice_device_name(const char *devargs, char *name, size_t size)
{
	struct rte_devargs parsed;
	int result;

	memset(&parsed, 0, sizeof(parsed));
	result = rte_devargs_parse(&parsed, devargs);
	if (result == 0 && (size_t)snprintf(name, size, "%s", parsed.name) >= size)
		result = -ENAMETOOLONG;
	rte_devargs_reset(&parsed);
	return result;
}

uint16_t sluice_eth_matching(const char *devargs, uint16_t *ports, uint16_t max)
{
	struct rte_dev_iterator iterator;
	uint16_t port, found = 0;

	RTE_ETH_FOREACH_MATCHING_DEV(port, devargs, &iterator) {
		if (found < max)
			ports[found] = port;
		found++;
	}
	return found;
}

int sluice_eth_link(uint16_t port, struct sluice_link *link)
{
	struct rte_eth_link from;
	int result = rte_eth_link_get_nowait(port, &from);

	if (result != 0)
		return result;
	link->speed_mbps = from.link_speed;
	link->up = from.link_status == RTE_ETH_LINK_UP;
	link->full_duplex = from.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	return 0;
}

static sluice_log_sink log_sink;

/* rte_vlog flushes after every message, so this runs on the thread that logs, inside its call. */
static ssize_t log_write(void *cookie, const char *text, size_t len)
{
	(void)cookie;
	log_sink((uint32_t)rte_log_cur_msg_loglevel(), text, len);
	return (ssize_t)len;
}

int sluice_log_capture(sluice_log_sink sink)
{
	static const cookie_io_functions_t functions = { .write = log_write };
	FILE *stream;

	log_sink = sink;
	stream = fopencookie(NULL, "w", functions);
	if (stream == NULL)
		return -errno;
	return rte_openlog_stream(stream);
}
