// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Points and orders as JSON. */
public final class CostJson {
    private CostJson() {
    }

    /**
     * Writes all that was found.
     *
     * @param machine
     *            what it was found on, as names and values
     * @param points
     *            the points
     * @param orders
     *            the orders
     * @return JSON
     */
    public static String write(Map<String, String> machine, List<Point> points, List<OrderStudy.Order> orders) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("machine", machine);
        all.put("points", points);
        all.put("orders", orders);
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(all) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Points are plain records, and yet: " + e.getMessage(), e);
        }
    }
}
