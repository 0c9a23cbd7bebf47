/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects in JSON: see json.h. */
#include "json.h"

#include <stdio.h>

void bench_json_key(struct bench_json *object, const char *key)
{
    printf("%s\"%s\":", object->more ? "," : "", key);
    object->more = true;
}

void bench_json_string(struct bench_json *object, const char *key, const char *text)
{
    bench_json_key(object, key);
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < ' ')
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

void bench_json_number(struct bench_json *object, const char *key, double value, int decimals)
{
    bench_json_key(object, key);
    printf("%.*f", decimals, value);
}

void bench_json_numbers(struct bench_json *object, const char *key, const double *values,
                        size_t count, int decimals)
{
    bench_json_key(object, key);
    for (size_t i = 0; i < count; i++)
        printf("%c%.*f", i ? ',' : '[', decimals, values[i]);
    printf("%s", count ? "]" : "[]");
}
