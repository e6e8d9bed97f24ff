-- Questions in the style of ClickBench to a table of page views; the first statement makes it.
CREATE TABLE hits AS
SELECT
    hash(i) % 1000000 AS watch_id,
    (i % 7)::TINYINT AS java_enable,
    'Title ' || (i % 97) AS title,
    TIMESTAMP '2013-07-01' + to_seconds(i * 130) AS event_time,
    (TIMESTAMP '2013-07-01' + to_seconds(i * 130))::DATE AS event_date,
    (CASE WHEN i % 3 = 0 THEN 62 ELSE i % 11 END)::INTEGER AS counter_id,
    (hash(i * 3) % 4000000000)::UINTEGER AS client_ip,
    (i % 229)::INTEGER AS region_id,
    (hash(i // 5) % 3000)::BIGINT AS user_id,
    'http://example.com/' || (i % 31) || CASE WHEN i % 13 = 0 THEN '/google' ELSE '' END AS url,
    CASE WHEN i % 4 = 0 THEN '' ELSE 'https://www.site' || (i % 19) || '.org/a?b=' || i END
        AS referer,
    (i % 2)::SMALLINT AS is_refresh,
    (ARRAY[0, 800, 1024, 1280, 1366, 1600, 1920])[1 + i % 7]::SMALLINT AS resolution_width,
    (i % 5)::SMALLINT AS traffic_source,
    (i % 6)::SMALLINT AS search_engine_id,
    (i % 3)::SMALLINT AS adv_engine_id,
    CASE WHEN i % 5 = 0 THEN 'phrase ' || (i % 41) ELSE '' END AS search_phrase,
    CASE WHEN i % 8 = 0 THEN 'phone ' || (i % 5) ELSE '' END AS phone_model,
    (i % 9)::SMALLINT AS phone,
    (i % 2)::SMALLINT AS dont_count_hits,
    (hash(i % 17) % 100000)::BIGINT AS url_hash,
    (i % 1000 + 1)::DOUBLE / 3 AS send_timing
FROM range(20000) r(i);

SELECT count(*) FROM hits;

SELECT count(*) FROM hits WHERE adv_engine_id <> 0;

SELECT sum(adv_engine_id), count(*), avg(resolution_width) FROM hits;

SELECT avg(user_id) FROM hits;

SELECT count(DISTINCT user_id) FROM hits;

SELECT count(DISTINCT search_phrase) FROM hits;

SELECT min(event_date), max(event_date) FROM hits;

SELECT adv_engine_id, count(*) FROM hits WHERE adv_engine_id <> 0 GROUP BY adv_engine_id ORDER
BY count(*) DESC, adv_engine_id;

SELECT region_id, count(DISTINCT user_id) AS u FROM hits GROUP BY region_id ORDER BY u DESC,
region_id LIMIT 10;

SELECT region_id, sum(adv_engine_id), count(*) AS c, avg(resolution_width), count(DISTINCT
user_id) FROM hits GROUP BY region_id ORDER BY c DESC, region_id LIMIT 10;

SELECT phone_model, count(DISTINCT user_id) AS u FROM hits WHERE phone_model <> '' GROUP BY
phone_model ORDER BY u DESC, phone_model LIMIT 10;

SELECT phone, phone_model, count(DISTINCT user_id) AS u FROM hits WHERE phone_model <> '' GROUP
BY phone, phone_model ORDER BY u DESC, phone, phone_model LIMIT 10;

SELECT search_phrase, count(*) AS c FROM hits WHERE search_phrase <> '' GROUP BY search_phrase
ORDER BY c DESC, search_phrase LIMIT 10;

SELECT search_engine_id, search_phrase, count(*) AS c FROM hits WHERE search_phrase <> '' GROUP
BY search_engine_id, search_phrase ORDER BY c DESC, search_engine_id, search_phrase LIMIT 10;

SELECT user_id, count(*) FROM hits GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT 10;

SELECT user_id, search_phrase, count(*) FROM hits GROUP BY user_id, search_phrase ORDER BY
count(*) DESC, user_id, search_phrase LIMIT 10;

SELECT user_id, extract(minute FROM event_time) AS m, search_phrase, count(*) FROM hits GROUP BY
user_id, m, search_phrase ORDER BY count(*) DESC, user_id, m LIMIT 10;

SELECT user_id FROM hits WHERE user_id = 435;

SELECT count(*) FROM hits WHERE url LIKE '%google%';

SELECT search_phrase, min(url), count(*) AS c FROM hits WHERE url LIKE '%google%' AND
search_phrase <> '' GROUP BY search_phrase ORDER BY c DESC, search_phrase LIMIT 10;

SELECT search_phrase, min(url), min(title), count(*) AS c, count(DISTINCT user_id) FROM hits
WHERE title LIKE '%Title 1%' AND url NOT LIKE '%.google.%' AND search_phrase <> '' GROUP BY
search_phrase ORDER BY c DESC, search_phrase LIMIT 10;

SELECT * FROM hits WHERE url LIKE '%google%' ORDER BY event_time LIMIT 10;

SELECT search_phrase FROM hits WHERE search_phrase <> '' ORDER BY event_time LIMIT 10;

SELECT search_phrase FROM hits WHERE search_phrase <> '' ORDER BY search_phrase LIMIT 10;

SELECT search_phrase FROM hits WHERE search_phrase <> '' ORDER BY event_time, search_phrase
LIMIT 10;

SELECT counter_id, avg(strlen(url)) AS l, count(*) AS c FROM hits WHERE url <> '' GROUP BY
counter_id HAVING count(*) > 1000 ORDER BY l DESC, counter_id LIMIT 25;

SELECT regexp_replace(referer, '^https?://(?:www\.)?([^/]+)/.*$', '\1') AS k,
avg(strlen(referer)) AS l, count(*) AS c, min(referer) FROM hits WHERE referer <> '' GROUP BY k
HAVING count(*) > 100 ORDER BY l DESC, k LIMIT 25;

SELECT sum(resolution_width + 0), sum(resolution_width + 1), sum(resolution_width + 2),
sum(resolution_width + 3), sum(resolution_width + 4), sum(resolution_width + 5),
sum(resolution_width + 6), sum(resolution_width + 7), sum(resolution_width + 8),
sum(resolution_width + 9), sum(resolution_width + 10), sum(resolution_width + 11),
sum(resolution_width + 12), sum(resolution_width + 13), sum(resolution_width + 14),
sum(resolution_width + 15), sum(resolution_width + 16), sum(resolution_width + 17),
sum(resolution_width + 18), sum(resolution_width + 19), sum(resolution_width + 20),
sum(resolution_width + 21), sum(resolution_width + 22), sum(resolution_width + 23),
sum(resolution_width + 24), sum(resolution_width + 25), sum(resolution_width + 26),
sum(resolution_width + 27), sum(resolution_width + 28), sum(resolution_width + 29),
sum(resolution_width + 30), sum(resolution_width + 31), sum(resolution_width + 32),
sum(resolution_width + 33), sum(resolution_width + 34), sum(resolution_width + 35),
sum(resolution_width + 36), sum(resolution_width + 37), sum(resolution_width + 38),
sum(resolution_width + 39), sum(resolution_width + 40), sum(resolution_width + 41),
sum(resolution_width + 42), sum(resolution_width + 43), sum(resolution_width + 44),
sum(resolution_width + 45), sum(resolution_width + 46), sum(resolution_width + 47),
sum(resolution_width + 48), sum(resolution_width + 49), sum(resolution_width + 50),
sum(resolution_width + 51), sum(resolution_width + 52), sum(resolution_width + 53),
sum(resolution_width + 54), sum(resolution_width + 55), sum(resolution_width + 56),
sum(resolution_width + 57), sum(resolution_width + 58), sum(resolution_width + 59),
sum(resolution_width + 60), sum(resolution_width + 61), sum(resolution_width + 62),
sum(resolution_width + 63), sum(resolution_width + 64), sum(resolution_width + 65),
sum(resolution_width + 66), sum(resolution_width + 67), sum(resolution_width + 68),
sum(resolution_width + 69), sum(resolution_width + 70), sum(resolution_width + 71),
sum(resolution_width + 72), sum(resolution_width + 73), sum(resolution_width + 74),
sum(resolution_width + 75), sum(resolution_width + 76), sum(resolution_width + 77),
sum(resolution_width + 78), sum(resolution_width + 79), sum(resolution_width + 80),
sum(resolution_width + 81), sum(resolution_width + 82), sum(resolution_width + 83),
sum(resolution_width + 84), sum(resolution_width + 85), sum(resolution_width + 86),
sum(resolution_width + 87), sum(resolution_width + 88), sum(resolution_width + 89) FROM hits;

SELECT search_engine_id, client_ip, count(*) AS c, sum(is_refresh), avg(resolution_width) FROM
hits WHERE search_phrase <> '' GROUP BY search_engine_id, client_ip ORDER BY c DESC,
search_engine_id, client_ip LIMIT 10;

SELECT watch_id, client_ip, count(*) AS c, sum(is_refresh), avg(resolution_width) FROM hits
GROUP BY watch_id, client_ip ORDER BY c DESC, watch_id, client_ip LIMIT 10;

SELECT url, count(*) AS c FROM hits GROUP BY url ORDER BY c DESC, url LIMIT 10;

SELECT 1, url, count(*) AS c FROM hits GROUP BY 1, url ORDER BY c DESC, url LIMIT 10;

SELECT client_ip, client_ip - 1, client_ip - 2, client_ip - 3, count(*) AS c FROM hits WHERE
client_ip > 3 GROUP BY ALL ORDER BY c DESC, client_ip LIMIT 10;

SELECT url, count(*) AS views FROM hits WHERE counter_id = 62 AND event_date BETWEEN
'2013-07-01' AND '2013-07-31' AND dont_count_hits = 0 AND is_refresh = 0 AND url <> '' GROUP BY
url ORDER BY views DESC, url LIMIT 10;

SELECT title, count(*) AS views FROM hits WHERE counter_id = 62 AND event_date >= '2013-07-01'
AND event_date <= '2013-07-31' AND title <> '' GROUP BY title ORDER BY views DESC, title LIMIT
10 OFFSET 5;

SELECT traffic_source, search_engine_id, adv_engine_id, CASE WHEN (search_engine_id = 0 AND
adv_engine_id = 0) THEN referer ELSE '' END AS src, url AS dst, count(*) AS views FROM hits
WHERE counter_id = 62 GROUP BY traffic_source, search_engine_id, adv_engine_id, src, dst ORDER
BY views DESC, traffic_source, search_engine_id, adv_engine_id, src, dst LIMIT 10;

SELECT url_hash, event_date, count(*) AS views FROM hits WHERE counter_id = 62 AND
traffic_source IN (-1, 1, 2, 3) GROUP BY url_hash, event_date ORDER BY views DESC, url_hash,
event_date LIMIT 10 OFFSET 10;

SELECT date_trunc('minute', event_time) AS m, count(*) AS views FROM hits WHERE event_date >=
'2013-07-14' AND event_date <= '2013-07-15' GROUP BY m ORDER BY m LIMIT 10;

SELECT quantile_cont(send_timing, [0.5, 0.9, 0.99]) FROM hits;

SELECT event_date, count(*) AS c, sum(count(*)) OVER (ORDER BY event_date) FROM hits GROUP BY
event_date ORDER BY event_date;

SELECT region_id, list(DISTINCT search_engine_id ORDER BY search_engine_id) FROM hits GROUP BY
region_id ORDER BY region_id LIMIT 5;

SELECT lpad(region_id::VARCHAR, 4, '0') AS region, max(upper(title)) FROM hits GROUP BY region
ORDER BY region LIMIT 5;

SELECT string_agg(DISTINCT phone_model, ', ' ORDER BY phone_model) FROM hits;
