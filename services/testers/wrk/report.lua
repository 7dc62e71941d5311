-- What wrk found out, a line each, as the rules of service.yaml read it.
done = function(summary, latency, requests)
  local seconds = summary.duration / 1e6
  local errors = summary.errors
  print(string.format("requests %d", summary.requests))
  print(string.format("req_per_s %.3f", summary.requests / seconds))
  print(string.format("bytes_per_s %.1f", summary.bytes / seconds))
  print(string.format("status_errors %d", errors.status))
  print(string.format("socket_errors %d", errors.connect + errors.read + errors.write))
  print(string.format("timeouts %d", errors.timeout))
  print(string.format("latency_mean_ms %.3f", latency.mean / 1e3))
  print(string.format("latency_max_ms %.3f", latency.max / 1e3))
  for _, p in ipairs({50, 90, 99}) do
    print(string.format("latency_p%d_ms %.3f", p, latency:percentile(p) / 1e3))
  end
end
