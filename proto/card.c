#include <assert.h>

#include "proto/member.h"
#include "proto/notice.h"
#include "proto/pack.h"

enum { CARD_ITEMS = 12, PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

static const struct curve_public no_key;

static bool is_none(const struct curve_public *key)
{
    return memcmp(key->b, no_key.b, sizeof no_key.b) == 0;
}

void card_encode(const struct card *card, struct out *ret)
{
    assert(card->address_count <= ADDRESSES_MAX);
    pack_array(ret, CARD_ITEMS);
    pack_uint(ret, card->version);
    pack_bin(ret, span_of(card->region.b, sizeof card->region.b));
    pack_bin(ret, span_of(card->node.b, sizeof card->node.b));
    pack_uint(ret, (uint64_t)card->role);
    pack_uint(ret, card->counter);
    pack_bin(ret, span_of(card->identity.b, sizeof card->identity.b));
    pack_bin(ret, span_of(card->transport.b, sizeof card->transport.b));
    pack_bin(ret, span_of(card->transport_before.b, is_none(&card->transport_before) ? 0 : sizeof card->transport_before.b));
    pack_bin(ret, span_of(card->encryption.b, sizeof card->encryption.b));
    pack_text(ret, span_text(card->name));
    pack_array(ret, card->address_count);
    for (uint32_t i = 0; i < card->address_count; i++) {
        pack_text(ret, span_text(card->addresses[i]));
    }
    pack_uint(ret, card->created.ms);
}

/* ---- addresses ---- */

static bool is_alnum(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* 1..65535 without leading zero. */
static bool port_is_valid(struct span port)
{
    uint32_t value = 0;

    if (port.n == 0 || port.n > PORT_DIGITS_MAX || port.p[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < port.n; i++) {
        if (port.p[i] < '0' || port.p[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(port.p[i] - '0');
    }
    return value <= PORT_MAX;
}

/* A name or IPv4 address of letters, digits, '.' and '-', or an IPv6 address in brackets. */
static bool host_is_valid(struct span host)
{
    bool is_ipv6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';

    if (is_ipv6) {
        host = span_of(host.p + 1, host.n - 2);
    }
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];

        if (!is_alnum(c) && c != '.' && c != (is_ipv6 ? ':' : '-')) {
            return false;
        }
    }
    return host.n > 0;
}

bool address_is_valid(struct span address)
{
    struct span scheme = span_text("tcp://");
    size_t colon;

    if (address.n > ADDRESS_BYTES_MAX || address.n <= scheme.n || memcmp(address.p, scheme.p, scheme.n) != 0) {
        return false;
    }
    colon = address.n - 1;
    while (colon > scheme.n && address.p[colon] != ':') {
        colon--;
    }
    return address.p[colon] == ':' && host_is_valid(span_of(address.p + scheme.n, colon - scheme.n)) &&
           port_is_valid(span_of(address.p + colon + 1, address.n - colon - 1));
}

/* ---- decoding ---- */

/* An earlier key that is none has one encoding, the empty one. */
static void transport_before_read(struct cursor *c, struct curve_public *ret)
{
    struct span key = cursor_bin(c, 0, sizeof ret->b);

    if (key.n == sizeof ret->b) {
        memcpy(ret->b, key.p, sizeof ret->b);
        if (is_none(ret)) {
            c->is_bad = true;
        }
    } else if (key.n != 0) {
        c->is_bad = true;
    }
}

static enum err addresses_decode(struct cursor *card, struct card *ret, const char **clause)
{
    struct cursor all = cursor_array(card, 0, UINT32_MAX);

    if (all.left > ADDRESSES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.4: more than 4 addresses", ERR_LIMIT);
    }
    ret->address_count = all.left;
    for (uint32_t i = 0; i < ret->address_count; i++) {
        struct span address = cursor_text(&all, 1, ADDRESS_BYTES_MAX);

        if (all.is_bad || !address_is_valid(address)) {
            return unpack_refuse(clause, "WIRE.md 4.4: an address that is not tcp://host:port", ERR_MALFORMED);
        }
        memcpy(ret->addresses[i], address.p, address.n);
    }
    cursor_close(card, &all);
    return ERR_OK;
}

enum err card_decode(struct unpack *unpack, struct span bytes, struct card *ret, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: longer than 61440 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, CARD_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    ret->role = (enum role)cursor_uint(&c, ROLE_OBSERVER);
    ret->counter = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->identity.b, sizeof ret->identity.b);
    cursor_bin_into(&c, ret->transport.b, sizeof ret->transport.b);
    transport_before_read(&c, &ret->transport_before);
    cursor_bin_into(&c, ret->encryption.b, sizeof ret->encryption.b);
    name_read(&c, ret->name);
    err = addresses_decode(&c, ret, clause);
    ret->created.ms = cursor_uint(&c, NUMBER_MAX);
    if (err == ERR_OK && cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 4.4: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return err;
}
